# SPDX-License-Identifier: Apache-2.0
"""The version number stands in the file VERSION; every other place is compared with it, and written from it."""

import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
loader = SourceFileLoader("version", str(REPOSITORY / "scripts/version"))
version = module_from_spec(spec_from_loader(loader.name, loader))
sys.dont_write_bytecode = True
loader.exec_module(version)


@pytest.fixture
def repository(tmp_path):
    """A copy of the places in which the number stands."""
    for name in ["VERSION", "scripts/version", *(place[0] for place in version.PLACES + version.MENTIONS)]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, tmp_path / name)
    return tmp_path


def run(repository, task):
    done = subprocess.run([sys.executable, repository / "scripts/version", task], stderr=subprocess.PIPE, text=True)
    return done.returncode, done.stderr.splitlines()


def test_all_places_hold_the_version_of_this_repository(repository):
    assert run(repository, "check") == (0, [])


@pytest.mark.parametrize("place", version.PLACES, ids=lambda place: place[0])
def test_a_place_with_another_number_is_named_and_written_anew(repository, place):
    number = (repository / "VERSION").read_text().strip()
    path, before = repository / place[0], (repository / place[0]).read_text()
    # The numbers of this place are changed, and no other text is.
    text = before
    for match in reversed(list(version.re.finditer(rf"(?m)(?:{place[1]})({version.NUMBER})", before))):
        text = text[:match.start(1)] + "9.8.7" + text[match.end(1):]
    path.write_text(text)
    status, messages = run(repository, "check")
    assert status == 1
    assert set(messages) == {f"{place[0]}: 9.8.7, but VERSION holds {number}; run make version"}
    assert run(repository, "write") == (0, [])
    assert path.read_text() == before


def test_a_place_without_a_number_is_named(repository):
    path = repository / "Bindings/R/DESCRIPTION"
    path.write_text(path.read_text().replace("Version:", "Edition:"))
    assert run(repository, "check") == (1, ["Bindings/R/DESCRIPTION: no version was found; edit scripts/version"])


def test_a_new_number_reaches_every_place(repository):
    (repository / "VERSION").write_text("3.4.5\n")
    assert run(repository, "write") == (0, [])
    assert run(repository, "check") == (0, [])
    for place in version.PLACES:
        assert "3.4.5" in (repository / place[0]).read_text(), place[0]
