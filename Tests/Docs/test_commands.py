# SPDX-License-Identifier: Apache-2.0
"""Every command that README.md and docs/ show runs, as it is written.

The blocks of a document run in its order, in one shell, as a reader would type them: in a scratch directory, with a home,
a network and a /opt of their own, so that ports and paths are those of the text. Things that a document takes for granted
(files, a server, a broker) is made by Tests/Docs/setups/NAME.sh. Blocks that cannot run carry their reason.
"""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.broker import KAFKA_HOME
from harness.documents import DOCUMENTS, REPOSITORY, blocks, left_out, mistakes

SETUPS = Path(__file__).parent / "setups"
# Loopback alone, and empty folders where commands write or read outside of the home.
ENTER = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "bash", "-ec"]
ISOLATE = """mount -t proc proc /proc
for folder in /opt /run /var/log /srv; do mount -t tmpfs tmpfs "$folder"; done
ip link set lo up
exec bash "$0"
"""
PREAMBLE = """set -eEu -o pipefail
trap 'status=$?; echo "failed with $status: $BASH_COMMAND" >&2' ERR
# A reader is slower than a server that starts.
curl() { command curl --silent --show-error --fail --retry 60 --retry-connrefused --retry-delay 1 "$@"; }
# Starts what serves, waits for its first message, and stops it.
until_stopped() {
  others=$(jobs -p)
  [ -z "$others" ] || { kill $others; wait $others || true; }
  "$@" 2>served & server=$!
  until [ -s served ]; do kill -0 $server; sleep 0.1; done
  cat served >&2
  kill -TERM $server
  wait $server
}
"""


def script(document):
    """All blocks of a document as one program."""
    pieces = [PREAMBLE]
    setup = SETUPS / f"{document.stem}.sh"
    if setup.exists():
        pieces.append(f". {shlex.quote(str(setup))}")
    for block in blocks(document.read_text()):
        if block.is_commands and not block.reason and not block.test:
            *first, last = block.script.splitlines()
            run = [*first, f"until_stopped {last}"] if block.runs_until_stopped else [block.script]
            pieces += [f"echo '== {document.name} line {block.line}' >&2", *run]
    return "\n".join(pieces) + "\n"


def can_isolate():
    done = subprocess.run([*ENTER, "ip link set lo up"], stderr=subprocess.PIPE, text=True)
    return "" if done.returncode == 0 else done.stderr.strip()


@pytest.fixture(scope="module")
def isolated():
    if reason := can_isolate():
        (pytest.fail if "CI" in os.environ else pytest.skip)(f"commands cannot have a network of their own: {reason}")


def programs(folder):
    """The programs that documents call: algo-run, and Python and R with their bindings."""
    (folder / "bin").mkdir()
    (folder / "bin/algo-run").symlink_to(os.environ["ALGO_RUN"])
    return {
        "PATH": f"{folder}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(folder), "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(REPOSITORY / "Bindings/Python"), "REPOSITORY": str(REPOSITORY), "TMPDIR": str(folder / "tmp"),
        "KAFKA": str(Path(KAFKA_HOME, "kafka")) if KAFKA_HOME else "", "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.mark.parametrize("document", [one for one in DOCUMENTS if any(block.is_commands for block in blocks(one.read_text()))],
                         ids=lambda document: document.name)
def test_every_command_of_the_document_runs(document, isolated, tmp_path):
    setup = SETUPS / f"{document.stem}.sh"
    if not KAFKA_HOME and setup.exists() and "$KAFKA" in setup.read_text():
        pytest.skip("it needs a broker; set KAFKA_HOME")
    (tmp_path / "tmp").mkdir()
    work = tmp_path / "work"
    work.mkdir()
    (tmp_path / "script").write_text(script(document))
    done = subprocess.run([*ENTER, ISOLATE, tmp_path / "script"], cwd=work, env=programs(tmp_path), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=500)
    assert done.returncode == 0, done.stdout[-6000:]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_block_of_commands_is_checked_or_has_a_reason(document):
    assert list(mistakes(document.read_text())) == []


def test_few_blocks_are_left_out():
    found, without = left_out()
    assert len(without) < found / 4, without


OPTION = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")


@pytest.fixture(scope="module")
def helps():
    """By command, the text of its --help."""
    texts = {}

    def text(*words):
        if words not in texts:
            done = subprocess.run([os.environ["ALGO_RUN"], *words, "--help"], stdout=subprocess.PIPE, text=True)
            texts[words] = done.stdout if done.returncode == 0 else None
        return texts[words]
    return text


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_commands_within_sentences_name_commands_and_options_that_exist(document, helps):
    for span in re.findall(r"`(algo-run [^`]+)`", document.read_text()):
        words = span.replace("\\|", "|").split(" -- ")[0].split()[1:]
        command = []
        for word in words[:2]:
            if re.fullmatch("[a-z]+", word) and helps(*command, word) is not None:
                command.append(word)
            else:
                break
        text = helps(*command) or ""
        assert command or words[0].startswith(("-", "…", "COMMAND")), f"{span}: no such command"
        for option in OPTION.findall(" ".join(words)):
            assert option in text or option in ("--help", "--version", "--json", "--home"), f"{span}: no option {option}"


def test_every_setup_belongs_to_a_document():
    names = {document.stem for document in DOCUMENTS}
    assert {path.stem for path in SETUPS.glob("*.sh")} <= names
