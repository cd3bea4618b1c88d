# SPDX-License-Identifier: Apache-2.0
"""The packages with the program: .deb and tarball, of one tree of files."""

import re
import shutil
import subprocess
from email.utils import formatdate
from pathlib import Path

from archive import gz, tar

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
# The C library of Debian 12, the oldest system that is supported.
OLDEST_GLIBC = (2, 36)


def check_glibc(binary):
    """Refuses a program that needs a newer C library than the packages promise."""
    symbols = subprocess.run(["objdump", "-T", binary], stdout=subprocess.PIPE, text=True, check=True).stdout
    needed = max(tuple(map(int, version)) for version in re.findall(r"GLIBC_(\d+)\.(\d+)", symbols))
    if needed > OLDEST_GLIBC:
        raise SystemExit("package: the program needs glibc %d.%d, and packages promise %d.%d; build it on Debian 12"
                         % (*needed, *OLDEST_GLIBC))


def stage(binary, folder, prefix):
    subprocess.run([REPOSITORY / "scripts/stage", binary, folder, prefix], check=True)


def tarball(facts, binary, work, dist):
    name = f"algo-run-{facts.version}-linux-x86_64"
    stage(binary, work / name, "")
    tar(dist / f"{name}.tar.gz", work / name, name, facts.epoch)


def deb(facts, binary, work, dist):
    root = work / "deb"
    stage(binary, root, "/usr")
    # Where Debian looks for them.
    move(root / "usr/lib/systemd", root / "lib/systemd")
    move(root / "usr/share/zsh/site-functions", root / "usr/share/zsh/vendor-completions")
    for page in sorted((root / "usr/share/man/man1").iterdir()):
        compress(page)
    papers = root / "usr/share/doc/algo-run"
    (papers / "LICENSE").unlink()
    (papers / "CHANGELOG.md").rename(papers / "NEWS")
    compress(papers / "NEWS")
    shutil.copyfile(HERE / "deb/copyright", papers / "copyright")
    changelog = (f"algo-run ({facts.version}) unstable; urgency=medium\n\n  * Changes are in NEWS.gz.\n\n"
                 f" -- The algo-run contributors <algo-run@example.org>  {formatdate(facts.epoch)}\n")
    (papers / "changelog.gz").write_bytes(gz(changelog.encode()))
    overrides = root / "usr/share/lintian/overrides/algo-run"
    overrides.parent.mkdir(parents=True)
    shutil.copyfile(HERE / "deb/lintian-overrides", overrides)

    control = root / "DEBIAN"
    control.mkdir()
    files = [path for path in root.rglob("*") if path.is_file()]
    size = sum(-(-path.stat().st_size // 1024) for path in files)
    text = (HERE / "deb/control").read_text().replace("@VERSION@", facts.version).replace("@SIZE@", str(size))
    (control / "control").write_text(text)
    for script in ("postinst", "prerm", "postrm"):
        shutil.copyfile(HERE / "deb" / script, control / script)
    for path in [root, *root.rglob("*")]:
        is_program = path.is_dir() or path.parent.name == "bin" or path.name in ("postinst", "prerm", "postrm")
        path.chmod(0o755 if is_program else 0o644)
    sums = root / "DEBIAN/md5sums"
    listed = sorted(path.relative_to(root).as_posix() for path in files)
    sums.write_text(subprocess.run(["md5sum", *listed], cwd=root, stdout=subprocess.PIPE, text=True, check=True).stdout)
    sums.chmod(0o644)
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zxz", "--build", root, dist / f"algo-run_{facts.version}_amd64.deb"],
                   stdout=subprocess.DEVNULL, check=True)


def move(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)


def compress(path):
    path.with_name(path.name + ".gz").write_bytes(gz(path.read_bytes()))
    path.unlink()
