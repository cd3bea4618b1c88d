# SPDX-License-Identifier: Apache-2.0
"""The blocks of commands in a Markdown document, and the remarks about them that readers do not see.

A block of commands is fenced as `sh`, or as `console` if it shows output too: there `$ ` begins a command. A comment on
the line above it may be

    <!-- not run: REASON -->      the block is left out, and counted with its reason
    <!-- run by FILE -->          a test of its own runs it
    <!-- until stopped -->        its last command serves until it is stopped by SIGTERM, with status 0
"""

import re
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\s*$")
REMARK = re.compile(r"^<!-- (not run: (?P<reason>.+)|run by (?P<test>\S+)|until stopped) -->$")
# Words that begin a command line. A block that begins with one and is not fenced as commands is a mistake, unless it is a
# synopsis.
COMMANDS = re.compile(r"^(?!.*(?:\[options\]|…\]))(\$ |sudo |(algo-run|make|curl|python3|pip|export|systemctl|kcat|zcat|echo|swift|jq|apt|Rscript|java) \S)")


@dataclass
class Block:
    line: int
    language: str
    lines: list
    remark: str | None = None

    @property
    def is_commands(self):
        return self.language in ("sh", "console")

    def _remarked(self, what):
        match = REMARK.match(self.remark or "")
        return match[what] if match else None

    @property
    def reason(self):
        """Why it is not run, or nothing if it is."""
        return self._remarked("reason")

    @property
    def test(self):
        """The test that runs it in place of the common one."""
        return self._remarked("test")

    @property
    def runs_until_stopped(self):
        return self.remark == "<!-- until stopped -->"

    @property
    def script(self):
        """The commands to run: of a `console` block the commands alone, with their continuations."""
        if self.language == "sh":
            return "\n".join(self.lines)
        kept, goes_on = [], False
        for line in self.lines:
            if line.startswith("$ ") or goes_on:
                kept.append(line.removeprefix("$ "))
                goes_on = line.endswith("\\")
        return "\n".join(kept)


def blocks(text):
    """The fenced and the indented blocks of a document, in order."""
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        above = lines[number - 1] if number else ""
        remark = above if REMARK.match(above) else None
        begin = number + 1
        if fence := FENCE.match(lines[number]):
            end = next(index for index in range(begin, len(lines)) if lines[index].startswith("```"))
            yield Block(begin, fence[1], lines[begin:end], remark)
            number = end
        elif lines[number].startswith("    ") and not above.strip():
            end = begin
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            yield Block(begin, "", [line[4:] for line in lines[number:end]], remark)
            number = end - 1
        number += 1


def mistakes(text):
    """Blocks that show commands and are not fenced as such, and remarks that stand above no block of commands."""
    found = list(blocks(text))
    for block in found:
        if not block.is_commands and block.language in ("", "text", "bash", "shell") and COMMANDS.match(block.lines[0]):
            yield f"line {block.line}: commands that are not checked; fence them as sh or console"
        if block.test and not (REPOSITORY / block.test).exists():
            yield f"line {block.line}: there is no {block.test}"
    used = sum(block.remark is not None and block.is_commands for block in found)
    remarks = [number for number, line in enumerate(text.splitlines(), 1) if line.startswith(("<!-- not run", "<!-- run by", "<!-- until"))]
    if len(remarks) != used:
        yield f"lines {remarks}: {len(remarks)} remarks, and {used} of them above a block of commands"


def left_out():
    """How many blocks of commands there are, and the place and the reason of each that is not run."""
    found = [(document, block) for document in DOCUMENTS for block in blocks(document.read_text()) if block.is_commands]
    return len(found), [(f"{document.relative_to(REPOSITORY)}:{block.line}", block.reason)
                        for document, block in found if block.reason]
