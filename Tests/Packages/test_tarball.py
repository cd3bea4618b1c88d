# SPDX-License-Identifier: Apache-2.0
"""The tarball: a folder that may lie anywhere, on a system that has nothing but its base."""

import shutil

import pytest

from harness.packages import STATE, main_job, older_home, opens_older_home


@pytest.mark.parametrize("root", ["trixie"], indirect=True)
def test_it_runs_wherever_it_lies_and_a_deleted_folder_leaves_nothing(root, one):
    home = root.add_user("ann")
    package = one("algo-run-*-linux-x86_64.tar.gz")
    before = root.listing()
    shutil.unpack_archive(package, root.path / "opt")
    folder = package.name.removesuffix(".tar.gz")

    def ann(*words, **more):
        return root.run(*words, user="ann", **more)
    main_job(ann, home, f"/opt/{folder}/bin/algo-run")
    moved = root.path / "srv/a folder of ours"
    shutil.move(root.path / "opt" / folder, moved)
    program = "/srv/a folder of ours/bin/algo-run"
    assert ann(program, "exec", "demo/upper", input="again") == "AGAIN"
    assert ann("bash", "-c", '. "$1" && complete -p algo-run', "bash",
               "/srv/a folder of ours/share/bash-completion/completions/algo-run").startswith("complete ")
    for page in ("algo-run.1", "algo-run-exec.1", "algo-run-outbox-deliver.1"):
        assert (moved / "share/man/man1" / page).exists()
    shutil.rmtree(moved)
    left = root.listing() - before
    assert left and all(name.startswith("home/ann/.local") for name in left)


@pytest.mark.parametrize("root", ["bookworm"], indirect=True)
def test_a_new_version_opens_the_home_of_an_older_one(root, one, tmp_path):
    home = root.add_user("ann")
    (home / STATE).parent.mkdir(parents=True)
    shutil.copytree(older_home(tmp_path), home / STATE)
    root.run("chown", "-R", "ann:", "/home/ann")
    package = one("algo-run-*-linux-x86_64.tar.gz")
    shutil.unpack_archive(package, root.path / "opt")
    opens_older_home(lambda *words, **more: root.run(*words, user="ann", **more),
                     f"/opt/{package.name.removesuffix('.tar.gz')}/bin/algo-run")
