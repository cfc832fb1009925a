"""Zip files unpacked as Lambda unpacks them, and nothing outside the folder they are unpacked into.

Executable bits and symbolic links are kept; an entry that would land elsewhere, by its name or through a link, makes
the whole archive unusable. Nothing here knows what the files are for.
"""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
import zlib
from hashlib import file_digest
from pathlib import Path, PurePosixPath
from typing import Final

from gateway.model.limits import KIB

MAX_UNZIPPED_BYTES: Final = 250 * KIB * KIB  # Lambda's quota for a function's code, unzipped
_MAX_LINK_BYTES: Final = 4 * KIB  # PATH_MAX
_COPY_BYTES: Final = 256 * KIB


class ArchiveError(Exception):
    """The file is no usable zip; the text says why."""


def digest(path: Path) -> str:
    """The content of a file as a short name. Raises OSError."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def unzip(path: Path, target: Path) -> None:
    """Unpack into the empty folder ``target``. Raises ArchiveError, or OSError for what the disk refuses."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > MAX_UNZIPPED_BYTES:
                raise ArchiveError(f"it holds more than the {MAX_UNZIPPED_BYTES} bytes that Lambda takes")
            links = [entry for entry in entries if _is_link(entry)]
            for entry in entries:
                if not _is_link(entry):
                    _extract(archive, entry, target)
            for entry in links:  # last, so that nothing is ever written through one
                _link(archive, entry, target)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ArchiveError(f"it is not a readable zip file ({error})") from error
    except RuntimeError as error:  # what zipfile raises for a password
        raise ArchiveError(str(error)) from error


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    path = _place(entry, target)
    if entry.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as source, path.open("wb") as file:
        shutil.copyfileobj(source, file, _COPY_BYTES)
    path.chmod(0o755 if entry.external_attr >> 16 & 0o111 else 0o644)


def _link(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    path = _place(entry, target)
    if entry.file_size > _MAX_LINK_BYTES:
        raise ArchiveError(f"the link {entry.filename!r} is too long")
    aim = os.fsdecode(archive.read(entry))
    landing = os.path.normpath(os.path.join(path.parent, aim))
    if os.path.isabs(aim) or not Path(landing).is_relative_to(target):
        raise ArchiveError(f"the link {entry.filename!r} leads outside")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.parent.resolve().is_relative_to(target.resolve()):
        raise ArchiveError(f"the entry {entry.filename!r} lies outside")
    path.symlink_to(aim)


def _place(entry: zipfile.ZipInfo, target: Path) -> Path:
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or ":" in name.parts[0:1]:
        raise ArchiveError(f"the entry {entry.filename!r} lies outside")
    return target.joinpath(*name.parts)


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(entry.external_attr >> 16)
