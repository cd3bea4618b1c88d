# SPDX-License-Identifier: Apache-2.0
"""What `make lint` finds without a build."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

MANIFEST = """// swift-tools-version: 6.3
import PackageDescription
let package = Package(name: "sample", targets: [
  .target(name: "Lowest"),
  .target(name: "Middle", dependencies: ["Lowest"]),
  .target(name: "Highest", dependencies: ["Middle"], path: "Elsewhere"),
  .testTarget(name: "MiddleTests", dependencies: ["Middle"]),
])
"""


def write(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def lint(script, root):
    command = [sys.executable, SCRIPTS / script, root]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    return done.returncode, done.stderr.splitlines()


@pytest.fixture
def package(tmp_path):
    if not shutil.which("swift"):
        pytest.fail("Swift is not on PATH")
    write(tmp_path, "Package.swift", MANIFEST)
    write(tmp_path, "Sources/Lowest/Lowest.swift", "import Glibc\n")
    write(tmp_path, "Sources/Middle/Middle.swift", "internal import Lowest\n")
    write(tmp_path, "Elsewhere/Highest.swift", "public import struct Middle.Thing\n")
    write(tmp_path, "Tests/MiddleTests/MiddleTests.swift", "import Testing\n@testable import Middle\n")
    return tmp_path


def test_imports_of_direct_dependencies_pass(package):
    assert lint("lint-imports", package) == (0, [])


@pytest.mark.parametrize("planted", [
    "import Lowest", "@_implementationOnly import Lowest", "private import func Lowest.f", "  import Lowest  // no reason"])
def test_an_import_of_a_dependencys_dependency_fails(package, planted):
    write(package, "Elsewhere/Deep/Other.swift", f"import Glibc\n{planted}\n")
    status, [line] = lint("lint-imports", package)
    assert status == 1
    assert line.startswith("Elsewhere/Deep/Other.swift:2: Highest imports Lowest; add it to the target's dependencies")


def test_a_test_target_is_held_to_its_dependencies_as_well(package):
    write(package, "Tests/MiddleTests/Other.swift", "@testable import Lowest\n")
    status, [line] = lint("lint-imports", package)
    assert (status, line.split(":")[0]) == (1, "Tests/MiddleTests/Other.swift")


@pytest.fixture
def repository(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def test_a_file_of_more_than_400_lines_is_too_long(repository):
    write(repository, "a.swift", "\n" * 400)
    write(repository, "data.csv", "\n" * 1000)
    assert lint("lint-text", repository) == (0, [])
    write(repository, "a.swift", "\n" * 401)
    write(repository, "script", "#!/bin/sh\n" + "\n" * 400)
    status, lines = lint("lint-text", repository)
    assert status == 1 and [line.split(" lines")[0] for line in lines] == ["a.swift: 401", "script: 401"]


def test_words_that_hide_a_subject_are_refused_and_the_account_nobody_is_not(repository):
    write(repository, "docs/a.md", "`nobody` and 'nobody' are accounts, and nobodyelse a name.\n")
    assert lint("lint-text", repository) == (0, [])
    write(repository, "docs/a.md", "Whoever reads this\nis not nobody.\n")
    status, lines = lint("lint-text", repository)
    assert status == 1 and [line.split(";")[0] for line in lines] == ['docs/a.md:1: "Whoever"', 'docs/a.md:2: "nobody"']


def test_a_file_that_allows_comments_needs_its_licence_line_which_is_added_below_what_must_come_first(repository):
    heads = {
        "a.swift": ("import Glibc\n", "// SPDX-License-Identifier: Apache-2.0\n"),
        "Package.swift": ("// swift-tools-version: 6.3\n", "// SPDX-License-Identifier: Apache-2.0\n"),
        "script": ("#!/bin/sh\n", "# SPDX-License-Identifier: Apache-2.0\n"),
        "docs/a.md": ("# Title\n", "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"),
        "pom.xml": ("<?xml version='1.0'?>\n", "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"),
    }
    for name, (head, _) in heads.items():
        write(repository, name, head + "rest\n")
    write(repository, "data.json", "{}\n")
    status, lines = lint("lint-licence", repository)
    assert status == 1 and sorted(line.split(":")[0] for line in lines) == sorted(heads)
    subprocess.run([sys.executable, SCRIPTS / "lint-licence", "--add", repository], check=True)
    assert lint("lint-licence", repository) == (0, [])
    first = {"Package.swift", "script", "pom.xml"}
    for name, (head, line) in heads.items():
        expected = head + line if name in first else line + head
        assert (repository / name).read_text() == expected + "rest\n"


@pytest.mark.parametrize("name, line, found", [
    ("a.swift", "/// Tells the caller what happened.", '"Tells"'),
    ("a.swift", "  // Nil where there is none.", '"Nil where"'),
    ("a.swift", "/// What the child wrote.", '"What the child wrote"'),
    ("a.swift", "/// A text that is no number.", '"is no number"'),
    ("a.swift", "  @Test func `the worker goes on`() {", '"goes on"'),
    ("a.py", "def test_it_ends_at_once():", '"at once"'),
    ("a.py", "    # The supervisor sleeps meanwhile.", '"meanwhile"'),
    ("a.md", "The descendant is let be.", '"let be"'),
])
def test_wording_that_has_to_be_translated_is_refused(repository, name, line, found):
    write(repository, name, f"{line}\n")
    status, lines = lint("lint-text", repository)
    assert status == 1 and [message.split(";")[0] for message in lines] == [f"{name}:1: {found}"]


def test_code_questions_and_quotations_are_not_prose(repository):
    write(repository, "a.swift", 'tell(goesOn) // There is no such file. What now?\nprint("no one goes on")\n/// `tell()` is no longer there.\n')
    write(repository, "a.md", "```\ngo on\n```\n\n    meanwhile\n")
    assert lint("lint-text", repository) == (0, [])
