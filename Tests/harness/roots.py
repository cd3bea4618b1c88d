# SPDX-License-Identifier: Apache-2.0
"""Fresh systems in which packages are installed: a root made by debootstrap once below .build, and copies of it."""

import fcntl
import os
import shutil
import signal
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BUILD", REPOSITORY / ".build")).resolve() / "roots"
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
# By release: packages that its base has beside the smallest system, and packages that are fetched and not installed.
# One has systemd and one has not.
RELEASES = {
    "bookworm": (["systemd"], ["librdkafka1", "libmicrohttpd12"]),
    "trixie": ([], ["librdkafka1", "libmicrohttpd12t64", "python3-venv"]),
}
# Enters a root as its process 1 with a /proc of its own; all that still runs there ends with the command.
ENTER = 'mount -t proc proc "$1/proc" && exec chroot --userspec="$2" "$1" "${@:3}"'
# Files of the package manager itself, and files made by programs of the base.
OWN = ("var/lib/dpkg/", "var/lib/apt/", "var/cache/", "var/log/", "proc/", "run/", "tmp/", "root/.")
OWN_FILES = ("etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-", "etc/ld.so.cache", "etc/.pwd.lock")


def base(release):
    """The unchanged root of a Debian release, made once; a newer choice of packages makes it anew."""
    installed, fetched = RELEASES[release]
    recipe = f"{MIRROR} {installed} {fetched}\n"
    BUILD.mkdir(parents=True, exist_ok=True)
    root, mark = BUILD / release, BUILD / f"{release}.made-from"
    with open(BUILD / f"{release}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if mark.exists() and mark.read_text() == recipe:
            return root
        mark.unlink(missing_ok=True)
        shutil.rmtree(root, ignore_errors=True)
        include = [f"--include={','.join(installed)}"] if installed else []
        with open(BUILD / f"{release}.log", "w") as log:
            subprocess.run(["debootstrap", "--variant=minbase", *include, release, root, MIRROR], check=True, stdout=log,
                           stderr=log)
            shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
            Root(root).run("apt-get", "install", "-qq", "--download-only", "--no-install-recommends", *fetched)
        mark.write_text(recipe)
    return root


class Root:
    """A system in a folder."""

    def __init__(self, path):
        self.path = path

    def command(self, *arguments, user="root"):
        inside = ["bash", "-ec", ENTER, "bash", self.path, user, *arguments]
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", *map(str, inside)]

    def environment(self, user="root", **changes):
        return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                "HOME": "/root" if user == "root" else f"/home/{user}", "DEBIAN_FRONTEND": "noninteractive", **changes}

    def run(self, *arguments, user="root", status=0, input="", env={}):
        """Runs a command in it to its end; gives what it wrote to stdout."""
        done = subprocess.run(self.command(*arguments, user=user), env=self.environment(user, **env), input=input, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600)
        assert done.returncode == status, f"{arguments}: status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        self.stderr = done.stderr
        return done.stdout

    def start(self, *arguments, user="root"):
        return subprocess.Popen(self.command(*arguments, user=user), env=self.environment(user), stderr=subprocess.PIPE,
                                stdin=subprocess.DEVNULL, text=True)

    def stop(self, process):
        """Asks what `start` started to end, and gives its status. SIGTERM to `unshare` would not reach it."""
        [child] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(child), signal.SIGTERM)
        process.communicate(timeout=300)
        return process.returncode

    def add_user(self, name):
        """A user with a home; gives the folder, as seen from outside."""
        self.run("useradd", "--create-home", name)
        return self.path / f"home/{name}"

    def put(self, file, folder="tmp"):
        """Copies a file into it; gives its path there."""
        (self.path / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, self.path / folder)
        return f"/{folder}/{Path(file).name}"

    def listing(self):
        """Every path that belongs to no package manager, and the accounts."""
        names = {str(path.relative_to(self.path)) for path in self.path.rglob("*")}
        kept = {name for name in names if not name.startswith(OWN) and name not in OWN_FILES}
        return kept | {"account " + line.split(":")[0] for line in (self.path / "etc/passwd").read_text().splitlines()}
