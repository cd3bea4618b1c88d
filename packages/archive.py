# SPDX-License-Identifier: Apache-2.0
"""Archives whose bytes depend on nothing but names, modes and contents: in the order of names, with one time for all."""

import gzip
import io
import tarfile
import zipfile
from datetime import datetime, timezone


def paths(folder):
    """All files and folders below `folder`, in the order of their names."""
    return sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix())


def tar(target, folder, root, epoch):
    """Writes `folder` as `root` in a .tar.gz."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in [folder, *paths(folder)]:
            below = path.relative_to(folder).as_posix()
            member = archive.gettarinfo(path, root if below == "." else f"{root}/{below}")
            member.mtime, member.uid, member.gid, member.uname, member.gname = epoch, 0, 0, "", ""
            member.mode = 0o755 if path.is_dir() or member.mode & 0o100 else 0o644
            with open(path, "rb") if path.is_file() else io.BytesIO() as content:
                archive.addfile(member, content if path.is_file() else None)
    target.write_bytes(gz(packed.getvalue()))


def gz(content):
    """As `gzip -9n` writes it, without a time."""
    return gzip.compress(content, 9, mtime=0)


def jar(target, folder, epoch):
    """Writes `folder` as a jar, its manifest first."""
    time = datetime.fromtimestamp(epoch, timezone.utc).timetuple()[:6]
    files = [path for path in paths(folder) if path.is_file()]
    files.sort(key=lambda path: path.name != "MANIFEST.MF")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            member = zipfile.ZipInfo(path.relative_to(folder).as_posix(), time)
            member.external_attr, member.compress_type = 0o100644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(member, path.read_bytes())
