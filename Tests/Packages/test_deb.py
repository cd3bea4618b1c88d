# SPDX-License-Identifier: Apache-2.0
"""The Debian package, in fresh roots of Debian 12 and 13: installed, used, upgraded, removed, purged."""

import json
import os
import re
import shutil
import subprocess
import urllib.request

import pytest

from harness.packages import STATE, main_job, older_home, opens_older_home
from harness.roots import RELEASES

# dpkg looks for programs where apt-get says: here a stand-in comes first.
PATH = ["-o", "DPkg::Path=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
# Stands for systemd, which does not run in a root: it notes what it was asked.
SYSTEMCTL = '#!/bin/sh\necho "$*" >>/var/log/systemctl.log\n'

every_release = pytest.mark.parametrize("root", RELEASES, indirect=True)


def install(root, package, *options):
    root.run("apt-get", "install", "-qq", "-y", *PATH, *options, root.put(package))


def as_user(root, user):
    return lambda *words, **more: root.run(*words, user=user, **more)


def older(package, folder):
    """The same package with a lower version."""
    subprocess.run(["dpkg-deb", "-R", package, folder / "unpacked"], check=True)
    control = folder / "unpacked/DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*", "Version: 0.1.9", control.read_text()))
    target = folder / "older.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", folder / "unpacked", target], check=True,
                   stdout=subprocess.DEVNULL)
    return target


@pytest.fixture
def asked(root):
    """The requests to systemd since the last call of this."""
    (root.path / "run/systemd/system").mkdir(parents=True)
    command = root.path / "usr/local/bin/systemctl"
    command.write_text(SYSTEMCTL)
    command.chmod(0o755)
    log = root.path / "var/log/systemctl.log"

    def since():
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines
    return since


@every_release
def test_it_is_installed_used_and_gone_without_a_trace(root, one):
    home = root.add_user("ann")
    install(root, one("*.deb"))
    root.run("apt-get", "purge", "-qq", "-y", "algo-run")
    # The recommended libraries stay, and nothing of this package.
    before = root.listing()
    assert not [name for name in before if "algo" in name.lower() and "libalgo" not in name.lower()]
    install(root, one("*.deb"))
    ann = as_user(root, "ann")
    main_job(ann, home)
    printed = ann("algo-run", "--version")
    assert re.search(r"(?m)^librdkafka \d", printed) and re.search(r"(?m)^libmicrohttpd \d", printed)
    # A broker that is away.
    ann("algo-run", "connection", "set", "--type", "plaintext", "--brokers", "127.0.0.1:1", "--topic", "insights")
    ann("algo-run", "exec", "demo/upper")
    assert len(json.loads(ann("algo-run", "outbox", "list", "--json"))) == 1
    root.run("apt-get", "purge", "-qq", "-y", "algo-run")
    left = root.listing() - before
    assert left and {name for name in left if not name.startswith("home/ann/.local")} == set()
    assert before - root.listing() == set()


@every_release
def test_serve_answers_there(root, one):
    root.add_user("ann")
    install(root, one("*.deb"))
    as_user(root, "ann")("algo-run", "publish", "demo/upper", "--", "tr", "a-z", "A-Z")
    server = root.start("algo-run", "serve", "--listen", "127.0.0.1:0", "--no-auth", user="ann")
    try:
        port = next(match[1] for line in server.stderr if (match := re.search(r"serving on 127\.0\.0\.1:(\d+)\.", line)))
        call = urllib.request.Request(f"http://127.0.0.1:{port}/v1/algo/demo/upper", b"hello",
                                      {"Content-Type": "text/plain"})
        with urllib.request.urlopen(call, timeout=300) as answer:
            assert b'"HELLO"' in answer.read()
    finally:
        status = root.stop(server)
    assert status == 0


@every_release
def test_without_the_recommended_libraries_it_runs_and_names_what_is_missing(root, one):
    home = root.add_user("ann")
    install(root, one("*.deb"), "--no-install-recommends")
    ann = as_user(root, "ann")
    main_job(ann, home)
    commands = re.findall(r"(?m)^  ([a-z]+)  +\S", ann("algo-run", "--help").split("SUBCOMMANDS:")[1].split("EXAMPLES:")[0])
    assert {"exec", "serve", "consume"} <= set(commands)
    for command in commands:
        assert ann("algo-run", command, "--help").startswith("OVERVIEW: ")
    ann("algo-run", "serve", "--listen", "127.0.0.1:0", status=125)
    assert re.search(r"libmicrohttpd12", root.stderr)
    ann("algo-run", "connection", "set", "--type", "plaintext", "--brokers", "127.0.0.1:1", "--topic", "t", status=1)
    assert "librdkafka1" in root.stderr


@every_release
def test_a_new_version_opens_the_home_of_an_older_one(root, one, tmp_path):
    home = root.add_user("ann")
    older_home(tmp_path)
    (home / STATE).parent.mkdir(parents=True)
    shutil.copytree(tmp_path / "home", home / STATE)
    root.run("chown", "-R", "ann:", "/home/ann")
    install(root, older(one("*.deb"), tmp_path), "--no-install-recommends")
    install(root, one("*.deb"), "--no-install-recommends")
    opens_older_home(as_user(root, "ann"))


def test_an_installation_enables_and_starts_nothing(root, one, asked):
    install(root, one("*.deb"), "--no-install-recommends")
    assert asked() == ["daemon-reload"]
    assert root.run("getent", "passwd", "algo-run").split(":")[5] == "/var/lib/algo-run"
    assert not [path for path in (root.path / "etc").rglob("*algo-run*")]
    units = {path.name for path in (root.path / "usr/lib/systemd/system").glob("algo-run*")}
    assert units == {"algo-run-serve.service", "algo-run-serve.socket", "algo-run-outbox@.service",
                     "algo-run-consume@.service"}
    root.run("systemd-analyze", "verify", "--man=no", *(f"/usr/lib/systemd/system/{unit.replace('@', '@ann')}" for unit in units))


def test_an_upgrade_restarts_running_services_alone_and_keeps_what_was_enabled(root, one, asked, tmp_path):
    install(root, older(one("*.deb"), tmp_path), "--no-install-recommends")
    wants = root.path / "etc/systemd/system/sockets.target.wants"
    wants.mkdir(parents=True)
    (wants / "algo-run-serve.socket").symlink_to("/lib/systemd/system/algo-run-serve.socket")
    (root.path / "var/lib/algo-run").mkdir()
    (root.path / "var/lib/algo-run/state.db").write_text("state")
    asked()
    install(root, one("*.deb"), "--no-install-recommends")
    assert set(asked()) == {"daemon-reload", "try-restart algo-run-*.service"}
    assert (wants / "algo-run-serve.socket").is_symlink()
    assert (root.path / "var/lib/algo-run/state.db").read_text() == "state"
    # The same version once more, as after damage to a file.
    root.run("apt-get", "install", "-qq", "-y", *PATH, "--reinstall", root.put(one("*.deb")))
    assert "try-restart algo-run-*.service" in asked()


def test_a_removal_stops_services_and_keeps_homes_which_a_purge_deletes(root, one, asked):
    home = root.add_user("ann")
    install(root, one("*.deb"), "--no-install-recommends")
    as_user(root, "ann")("algo-run", "publish", "demo/upper", "--", "true")
    served = root.path / "var/lib/algo-run"
    root.run("install", "-d", "-o", "algo-run", "-m", "700", "/var/lib/algo-run")
    root.run("algo-run", "publish", "demo/upper", "--", "true", user="algo-run",
             env={"ALGO_RUN_HOME": "/var/lib/algo-run"})
    wants = root.path / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    (wants / "algo-run-outbox@ann.service").symlink_to("/lib/systemd/system/algo-run-outbox@.service")
    asked()

    root.run("apt-get", "remove", "-qq", "-y", *PATH, "algo-run")
    assert set(asked()) == {"stop algo-run-*.service algo-run-*.socket", "daemon-reload"}
    assert not (wants / "algo-run-outbox@ann.service").is_symlink()
    assert (served / "state.db").exists()
    # An installation later finds it again.
    install(root, one("*.deb"), "--no-install-recommends")
    assert "demo/upper" in root.run("algo-run", "versions", user="algo-run", env={"ALGO_RUN_HOME": "/var/lib/algo-run"})

    root.run("apt-get", "purge", "-qq", "-y", *PATH, "algo-run")
    assert not served.exists() and (home / STATE / "state.db").exists()
    left = {name for name in root.listing() if "algo-run" in name and not name.startswith("home/ann/")}
    assert left == set()


def test_lintian_finds_nothing_and_each_of_its_overrides_has_a_reason(one, tmp_path):
    if not shutil.which("lintian"):
        (pytest.fail if "CI" in os.environ else pytest.skip)("lintian is not installed")
    command = ["lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0", one("*.deb")]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0 and "unused-override" not in done.stdout, done.stdout
    subprocess.run(["dpkg-deb", "-x", one("*.deb"), tmp_path], check=True)
    overrides = (tmp_path / "usr/share/lintian/overrides/algo-run").read_text().splitlines()
    assert all(line.startswith("#") or above.startswith("# ") for above, line in zip(["", *overrides], overrides))
