# SPDX-License-Identifier: Apache-2.0
"""The folder of the packages as a whole: names, sums, one version, the C library, licences, the same bytes twice."""

import filecmp
import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import zipfile

from harness.packages import build
from harness.roots import REPOSITORY

VERSION = (REPOSITORY / "VERSION").read_text().strip()
# Ubuntu 24.04 has 2.39, the newest of them.
GLIBC_OF_DEBIAN_12 = (2, 36)


def names(dist):
    return sorted(path.name for path in dist.iterdir())


def test_the_folder_holds_these_files_and_no_other(dist):
    assert names(dist) == sorted([
        f"algo-run_{VERSION}_amd64.deb", f"algo-run-{VERSION}-linux-x86_64.tar.gz",
        f"algo_run-{VERSION}-py3-none-manylinux_2_36_x86_64.whl", f"algo_run-{VERSION}.tar.gz",
        f"algo_run_insights-{VERSION}-py3-none-any.whl", f"algorun_{VERSION}.tar.gz", f"algo-run-{VERSION}.jar",
        f"algo-run-{VERSION}.spdx.json", "SHA256SUMS"])


def test_the_sums_are_those_of_the_files(dist):
    done = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=dist, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert len(done.stdout.splitlines()) == len(names(dist)) - 1


def test_every_package_holds_the_one_version(dist, one):
    def in_zip(pattern, member, before):
        with zipfile.ZipFile(one(pattern)) as archive:
            [name] = [name for name in archive.namelist() if re.fullmatch(member, name)]
            return re.search(rf"(?m)^{before}: (\S+)", archive.read(name).decode())[1]

    def in_tar(pattern, member, before):
        with tarfile.open(one(pattern)) as archive:
            return re.search(rf"(?m)^{before}: (\S+)", archive.extractfile(member).read().decode())[1]

    deb = subprocess.run(["dpkg-deb", "-f", one("*.deb"), "Version"], capture_output=True, text=True).stdout.strip()
    program = subprocess.run([os.environ["ALGO_RUN"], "--version"], capture_output=True, text=True).stdout.split()[0]
    bill = json.loads(one("*.spdx.json").read_text())
    found = {
        "the .deb": deb,
        "the program": program,
        "the wheel": in_zip("algo_run-*.whl", r"[^/]+\.dist-info/METADATA", "Version"),
        "the Python source package": in_tar("algo_run-*.tar.gz", f"algo_run-{VERSION}/PKG-INFO", "Version"),
        "the bridges": in_zip("algo_run_insights-*.whl", r"[^/]+\.dist-info/METADATA", "Version"),
        "the R package": in_tar("algorun_*.tar.gz", "algorun/DESCRIPTION", "Version"),
        "the jar": in_zip("*.jar", "META-INF/MANIFEST.MF", "Implementation-Version"),
        "the bill of materials": next(one["versionInfo"] for one in bill["packages"] if one["name"] == "algo-run"),
    }
    assert found == dict.fromkeys(found, VERSION)


def test_the_program_prints_version_commit_and_libraries():
    lines = subprocess.run([os.environ["ALGO_RUN"], "--version"], capture_output=True, text=True).stdout.splitlines()
    assert lines[0] == VERSION
    assert [line.split(" ", 1)[0] for line in lines[1:]] == [
        "commit", "Swift", "SQLite", "OpenSSL", "librdkafka", "libmicrohttpd"]
    assert re.fullmatch(r"commit ([0-9a-f]{40}(-modified)?|unknown)", lines[1])


def test_every_program_in_a_package_is_the_same_and_needs_no_newer_c_library(dist, one, tmp_path):
    subprocess.run(["dpkg-deb", "-x", one("*.deb"), tmp_path / "deb"], check=True)
    shutil.unpack_archive(one("algo-run-*-linux-x86_64.tar.gz"), tmp_path / "tar")
    shutil.unpack_archive(one("algo_run-*.whl"), tmp_path / "wheel", "zip")
    programs = [tmp_path / "deb/usr/bin/algo-run", *tmp_path.glob("tar/*/bin/algo-run"),
                *tmp_path.glob("wheel/*.data/scripts/algo-run")]
    assert len(programs) == 3 and len({hashlib.sha256(path.read_bytes()).hexdigest() for path in programs}) == 1
    symbols = subprocess.run(["objdump", "-T", programs[0]], capture_output=True, text=True, check=True).stdout
    assert max(tuple(map(int, found)) for found in re.findall(r"GLIBC_(\d+)\.(\d+)", symbols)) <= GLIBC_OF_DEBIAN_12


def test_the_packaged_program_holds_no_trace_of_its_folder_and_stays_protected(one, tmp_path):
    shutil.unpack_archive(one("algo-run-*-linux-x86_64.tar.gz"), tmp_path)
    [program] = tmp_path.glob("*/bin/algo-run")
    assert str(REPOSITORY).encode() not in program.read_bytes()
    subprocess.run(["objcopy", "--dump-section", f".swift_modhash={tmp_path}/hash", program, "/dev/null"], check=True)
    assert set((tmp_path / "hash").read_bytes()) == {0}
    assert "GNU_RELRO" in subprocess.run(["readelf", "-lW", program], capture_output=True, text=True, check=True).stdout


def test_the_bill_of_materials_lists_every_file_and_all_that_is_linked(dist, one):
    bill = json.loads(one("*.spdx.json").read_text())
    sums = {entry["fileName"]: entry["checksums"][1]["checksumValue"] for entry in bill["files"]}
    assert sums == {f"./{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in dist.iterdir()
                    if path.name not in ("SHA256SUMS", one("*.spdx.json").name)}
    linked = {part["name"] for part in bill["packages"]} - {"algo-run"}
    assert linked == {"Swift runtime", "SQLite", "OpenSSL libcrypto", "libstdc++", "libgcc"}
    notice = (REPOSITORY / "NOTICE").read_text()
    for part in bill["packages"][1:]:
        assert part["name"] in notice or part["name"].split()[0] in notice
        assert part["versionInfo"]


def test_every_package_carries_its_licence(one):
    def listed(path):
        if path.suffix in (".whl", ".jar"):
            return zipfile.ZipFile(path).namelist()
        return tarfile.open(path).getnames()
    for pattern in ("algo-run-*-linux-x86_64.tar.gz", "algo_run-*.whl", "algo_run-*.tar.gz", "algo_run_insights-*.whl",
                    "algorun_*.tar.gz", "*.jar"):
        assert [name for name in listed(one(pattern)) if "LICEN" in name.upper() or name.endswith("DESCRIPTION")], pattern
    assert [name for name in listed(one("algo-run-*-linux-x86_64.tar.gz")) if name.endswith("/NOTICE")]


def test_packaged_again_from_another_folder_each_file_is_the_same(dist, tmp_path):
    """The same program and sources, at another place, with other times, environment and mask. `make release-check` builds
    the program twice as well.
    """
    copy = tmp_path / "elsewhere/and deeper"
    listed = subprocess.run(["git", "-c", f"safe.directory={REPOSITORY}", "ls-files", "-co", "--exclude-standard", "-z"],
                            cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, copy / name)
    commit_time = subprocess.run(["git", "-c", f"safe.directory={REPOSITORY}", "log", "-1", "--format=%ct"], cwd=REPOSITORY,
                                 stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    before = os.umask(0o077)
    try:
        build(copy, tmp_path / "dist", SOURCE_DATE_EPOCH=commit_time, TZ="Pacific/Auckland", LC_ALL="C", LANG="de_DE.UTF-8",
              HOME=str(tmp_path), USER="other", TMPDIR=str(tmp_path))
    finally:
        os.umask(before)
    assert names(tmp_path / "dist") == names(dist)
    assert filecmp.cmpfiles(dist, tmp_path / "dist", names(dist), shallow=False)[1:] == ([], [])
