// SPDX-License-Identifier: Apache-2.0
// Behaviour of the pages beyond HTML: copying, times that stay right, tooltips, and the live list. All works without it except
// for what is live.

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

function addCopyButtons(root) {
  if (!navigator.clipboard) return;
  for (const place of all(".copy", root)) {
    if (place.querySelector(":scope > button")) continue;
    const text = place.dataset.copy ?? place.querySelector("code").textContent;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.title = "Copy this";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    place.append(button);
  }
}

// The server's words (Moment.swift).
function relative(moment) {
  const seconds = Math.trunc((Date.now() - moment) / 1000);
  const distance = Math.abs(seconds);
  if (distance < 5) return "now";
  const [count, unit] = distance < 60 ? [distance, "s"] : distance < 3600 ? [distance / 60, "min"]
    : distance < 86400 ? [distance / 3600, "h"] : [distance / 86400, "d"];
  return seconds > 0 ? `${Math.trunc(count)} ${unit} ago` : `in ${Math.trunc(count)} ${unit}`;
}
setInterval(() => {
  for (const time of all("time[datetime]")) {
    const text = relative(Date.parse(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
}, 10000);

function addTooltip(plot) {
  const svg = plot.querySelector("svg");
  const marks = all(".mark", svg).map((mark) => {
    const text = mark.querySelector("title").textContent;
    const box = mark.getBBox();
    // A bar is hit over its whole column; its tooltip is at its top.
    const isColumn = mark.classList.contains("hit");
    return { mark, x: box.x + box.width / 2, y: box.y + (isColumn ? 16 : box.height / 2), text };
  });
  if (!marks.length) return;
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  plot.append(tip);
  svg.addEventListener("pointermove", (event) => {
    const scale = svg.viewBox.baseVal.width / svg.clientWidth;
    const x = event.offsetX * scale, y = event.offsetY * scale;
    let nearest = marks.find(({ mark }) => mark === event.target) ?? null, best = nearest ? 0 : 400;
    for (const mark of marks) {
      const distance = (mark.x - x) ** 2 + (mark.y - y) ** 2;
      if (distance < best) [nearest, best] = [mark, distance];
    }
    tip.hidden = !nearest;
    if (!nearest) return;
    tip.textContent = nearest.text;
    tip.style.left = `${nearest.x / scale}px`;
    tip.style.top = `${nearest.y / scale}px`;
  });
  svg.addEventListener("pointerleave", () => { tip.hidden = true; });
}

// The list of executions: a stream while the page is seen and not paused.
function follow(list) {
  const rows = list.querySelector("#ended"), now = list.querySelector("#now"), pause = list.querySelector("#pause");
  const state = list.querySelector("#live-state");
  const running = list.querySelector("#running"), empty = list.querySelector("#none-yet"), ended = list.querySelector("#ended-box");
  let source = null, last = list.dataset.after, paused = false;
  const show = (text) => { if (state.textContent !== text) state.textContent = text; };

  function open() {
    if (source || paused || document.hidden) return;
    source = new EventSource(`/events/executions?after=${last}&${list.dataset.filter}`);
    source.addEventListener("open", () => show("Live"));
    source.addEventListener("now", (event) => {
      now.innerHTML = JSON.parse(event.data).rows;
      running.hidden = !now.childElementCount;
      addCopyButtons(now);
    });
    source.addEventListener("execution", (event) => {
      last = event.lastEventId;
      const id = JSON.parse(event.data).row_id;
      if (document.getElementById(id)) return;
      empty.hidden = true;
      ended.hidden = false;
      rows.insertAdjacentHTML("afterbegin", JSON.parse(event.data).row);
      rows.firstElementChild.classList.add("fresh");
      addCopyButtons(rows.firstElementChild);
      while (rows.childElementCount > 200) rows.lastElementChild.remove();
    });
    source.addEventListener("reset", () => location.reload());
    source.addEventListener("error", () => {
      show(source && source.readyState === EventSource.CLOSED ? "Not live any more; reload the page" : "Connecting again");
    });
  }
  function close() { source?.close(); source = null; }

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Resume" : "Pause";
    pause.setAttribute("aria-pressed", String(paused));
    if (paused) { close(); show("Paused"); } else { open(); }
  });
  document.addEventListener("visibilitychange", () => { if (document.hidden) close(); else open(); });
  addEventListener("pagehide", close);
  open();
}

// A file of a certificate goes into the text field that the form sends.
function addFileChoice(field) {
  const choice = document.createElement("input");
  choice.type = "file";
  choice.accept = ".pem,.crt,.cer";
  choice.setAttribute("aria-label", "Upload a certificate");
  choice.addEventListener("change", async () => { if (choice.files[0]) field.value = await choice.files[0].text(); });
  field.after(choice);
}

addCopyButtons(document);
all(".plot").forEach(addTooltip);
all("[data-live]").forEach(follow);
all("textarea#ca").forEach(addFileChoice);
document.querySelector("[data-error]")?.focus();
