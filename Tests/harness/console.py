# SPDX-License-Identifier: Apache-2.0
"""A browser on the web console of `algo-run serve`: Debian's Chromium, driven by Playwright."""

import contextlib
import re
import shutil

import pytest

from harness import processes
from harness.server import Server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NEEDS_CHROMIUM = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)"),
]

# An algorithm that reports a metric and one that is rejected, and answers.
REPORTS = "cat >/dev/null; echo '{\"score\": 0.93, \"bad\": \"x\"}' >&3; echo '{\"ok\": true}'"


@contextlib.contextmanager
def chromium():
    """A browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture(scope="session")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def server(program):
    """A server whose console may do everything, with one algorithm."""
    program.run("publish", "acme/credit", "--notes", "the first", "--", "sh", "-c", REPORTS, status=0)
    with Server(program, "--allow-publish", scope="admin") as server:
        yield server


@pytest.fixture
def visit(browser, server):
    """A visitor who is logged in and whose browser finds nothing to complain about."""
    visit = Visit(browser, server)
    visit.log_in(server)
    yield visit
    assert visit.complaints == []
    visit.context.close()


def address(server):
    """The address that opens the console: the last word of its line on stderr."""
    found = []
    processes.await_until(lambda: found.extend(re.findall(r"console: (\S+)", "".join(server.messages))) or found,
                          "the line of the console")
    return found[-1]


class Visit:
    """A page of a browser, which notes everything that a visitor would find in the developer tools."""

    def __init__(self, browser, server, **options):
        self.base = f"http://127.0.0.1:{server.port}"
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.complaints = []
        self.page.on("console", lambda message: message.type in ("error", "warning") and self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append("dialog: " + dialog.message), dialog.dismiss()))

    def open(self, path):
        """Goes to a path of the console."""
        self.page.goto(self.base + path)
        return self.page

    def log_in(self, server):
        self.page.goto(address(server))
        return self.page


class Pointer:
    """Uses a page as with a mouse."""

    def __init__(self, page):
        self.page = page

    def press(self, role, name):
        self.page.get_by_role(role, name=name).first.click()

    def fill(self, label, text):
        self.page.get_by_label(label, exact=True).fill(text)

    def choose(self, label, option):
        self.page.get_by_label(label, exact=True).select_option(option)

    def check(self, label):
        self.page.get_by_label(label, exact=True).check()

    def unfold(self, text):
        self.page.locator("summary", has_text=text).first.click()


class Keyboard:
    """Uses a page with the keyboard alone: Tab leads to a control, and keys use it."""

    def __init__(self, page):
        self.page = page

    def reach(self, control):
        wanted = control.first.element_handle()
        for _ in range(200):
            if self.page.evaluate("control => control === document.activeElement", wanted):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {control}")

    def press(self, role, name):
        self.reach(self.page.get_by_role(role, name=name))
        self.page.keyboard.press("Space" if role == "switch" else "Enter")

    def fill(self, label, text):
        self.reach(self.page.get_by_label(label, exact=True))
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def choose(self, label, option):
        self.reach(self.page.get_by_label(label, exact=True))
        self.page.keyboard.type(option)

    def check(self, label):
        box = self.page.get_by_label(label, exact=True)
        if box.get_attribute("type") == "checkbox":
            self.reach(box)
            return self.page.keyboard.press("Space")
        # Tab leads to the chosen one of a group, the arrows to the others.
        self.reach(self.page.locator(f"input[name='{box.get_attribute('name')}']:checked"))
        for _ in range(10):
            if box.is_checked():
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"the arrows do not lead to {label}")

    def unfold(self, text):
        self.reach(self.page.locator("summary", has_text=text))
        self.page.keyboard.press("Enter")
