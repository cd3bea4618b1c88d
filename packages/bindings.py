# SPDX-License-Identifier: Apache-2.0
"""The packages of the bindings: wheels and sdist, R source package, jar."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from archive import jar, tar

REPOSITORY = Path(__file__).resolve().parents[1]


def export(folder, target):
    """Copies what Git knows of below `folder`, or all of it outside Git."""
    listed = subprocess.run(["git", "-c", f"safe.directory={REPOSITORY}", "-C", REPOSITORY / folder, "ls-files", "-co",
                             "--exclude-standard", "-z"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.split("\0")
    names = [name for name in listed if name and (REPOSITORY / folder / name).is_file()]
    if not names:
        shutil.copytree(REPOSITORY / folder, target)
        return
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / folder / name, target / name)
        (target / name).chmod((REPOSITORY / folder / name).stat().st_mode & 0o100 and 0o755 or 0o644)


def python(facts, work, dist, source, kind, binary=None):
    """Builds a wheel or an sdist of the Python package in `source`; with `binary` the wheel brings the program."""
    copy = work / f"{kind}-{Path(source).name}"
    export(source, copy)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(facts.epoch)}
    environment.pop("ALGO_RUN_BINARY", None)
    if binary:
        program = work / "wheel-bin/algo-run"
        program.parent.mkdir()
        subprocess.run([REPOSITORY / "scripts/strip", binary, program], check=True)
        environment["ALGO_RUN_BINARY"] = str(program)
    subprocess.run([sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", dist, copy],
                   env=environment, stdout=subprocess.DEVNULL, check=True)


def r(facts, work, dist):
    export("Bindings/R", work / "algorun")
    subprocess.run(["R", "CMD", "build", "--no-build-vignettes", "algorun"], cwd=work, stdout=subprocess.DEVNULL, check=True)
    built = work / f"algorun_{facts.version}.tar.gz"
    shutil.rmtree(work / "algorun")
    with tarfile.open(built) as archive:
        archive.extractall(work)
    description = work / "algorun/DESCRIPTION"
    # R writes the time and the user into it.
    description.write_text(re.sub(r"(?m)^Packaged:.*", f"Packaged: {facts.date}; algo-run", description.read_text()))
    tar(dist / built.name, work / "algorun", "algorun", facts.epoch)


def java(facts, work, dist):
    export("Bindings/Java", work / "java")
    subprocess.run(["make", "-s", "-C", work / "java", "BUILD=" + str(work / "java-build"), "jar"], stdout=subprocess.DEVNULL,
                   check=True)
    name = f"algo-run-{facts.version}.jar"
    shutil.unpack_archive(work / "java-build" / name, work / "jar", "zip")
    jar(dist / name, work / "jar", facts.epoch)
