# SPDX-License-Identifier: Apache-2.0
"""The Python packages in fresh virtual environments, and the wheel on a Debian 13 with its newer Python."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.packages import STATE, main_job, older_home, opens_older_home

PYTHON = "/usr/bin/python3"


@pytest.fixture
def venv(tmp_path):
    """A virtual environment of the system's Python, without an index of packages, and a user's home beside it."""
    folder = tmp_path / "venv"
    subprocess.run([PYTHON, "-m", "venv", folder], check=True)
    (tmp_path / "user").mkdir()
    return folder


def runner(venv):
    environment = {"PATH": f"{venv}/bin:/usr/bin:/bin", "HOME": str(venv.parent / "user"), "PIP_NO_INDEX": "1",
                   "PIP_DISABLE_PIP_VERSION_CHECK": "1", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}

    def run(*words, status=0, input=""):
        done = subprocess.run(list(map(str, words)), env=environment, cwd=venv.parent / "user", input=input, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600)
        assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout
    return run


def files(folder):
    return {path.relative_to(folder) for path in folder.rglob("*") if "__pycache__" not in path.parts}


def test_the_wheel_brings_command_and_module_and_leaves_nothing(venv, one):
    run, home = runner(venv), venv.parent / "user"
    before = files(venv)
    run("pip", "install", one("algo_run-*.whl"))
    run("algo-run", "exec", "--report", "r.json", "--", "python3", "-c", "import algo_run; algo_run.report(cats=24)")
    assert json.loads((home / "r.json").read_text())["metrics"] == {"cats": 24}
    main_job(run, home)
    assert run("algo-run", "--version").split()[0] == run("python3", "-c", "import algo_run; print(algo_run.__version__)").strip()
    run("pip", "uninstall", "-y", "algo-run")
    assert files(venv) == before
    assert (home / STATE / "state.db").exists()


def test_a_new_version_opens_the_home_of_an_older_one(venv, one, tmp_path):
    (venv.parent / "user" / STATE).parent.mkdir(parents=True)
    shutil.copytree(older_home(tmp_path), venv.parent / "user" / STATE)
    run = runner(venv)
    run("pip", "install", one("algo_run-*.whl"))
    run("pip", "install", "--force-reinstall", one("algo_run-*.whl"))
    opens_older_home(run)


def test_the_source_package_is_the_module_alone(venv, one):
    # Building it takes hatchling: that of the tests, as there is no index.
    run = runner(venv)
    before = files(venv)
    tools = next(Path(os.environ.get("BUILD", Path(__file__).parents[2] / ".build"), "python/lib").glob("python3*/site-packages"))
    (next((venv / "lib").glob("python3*/site-packages")) / "tools.pth").write_text(f"{tools.resolve()}\n")
    run("pip", "install", "--no-build-isolation", one("algo_run-*.tar.gz"))
    run("python3", "-c", "import algo_run; algo_run.report(cats=24)")
    assert not (venv / "bin/algo-run").exists()
    run("pip", "uninstall", "-y", "algo-run")
    assert {str(path) for path in files(venv) - before if path.name != "tools.pth"} == set()


def test_the_wheel_of_the_bridges_installs_beside_it(venv, one):
    run = runner(venv)
    run("pip", "install", "--no-deps", one("algo_run_insights-*.whl"), one("algo_run-*.whl"))
    modules = run("pip", "show", "--files", "algo-run-insights")
    assert "algo_run_insights/command.py" in modules and "algo_run/" not in modules
    version = run("python3", "-c", "import algo_run, algo_run_insights; print(algo_run.__version__, algo_run_insights.__version__)")
    assert len(set(version.split())) == 1


@pytest.mark.parametrize("root", ["trixie"], indirect=True)
def test_the_wheel_runs_on_debian_13(root, one):
    home = root.add_user("ann")
    root.run("apt-get", "install", "-qq", "-y", "--no-install-recommends", "python3-venv")
    wheel = root.put(one("algo_run-*.whl"), "srv")

    def ann(*words, **more):
        return root.run(*words, user="ann", **more)
    ann("python3", "-m", "venv", "/home/ann/env")
    ann("/home/ann/env/bin/pip", "install", "--no-index", wheel)
    main_job(ann, home, "/home/ann/env/bin/algo-run")
    ann("/home/ann/env/bin/algo-run", "exec", "--report", "/home/ann/r.json", "--", "/home/ann/env/bin/python3", "-c",
        "import algo_run; algo_run.report(cats=24)")
    assert json.loads((home / "r.json").read_text())["metrics"] == {"cats": 24}
