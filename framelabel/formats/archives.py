"""Label files inside a zip archive, as CVAT, Label Studio and most tools export them."""

from __future__ import annotations

import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from framelabel.core.errors import FramelabelError, InvalidLabelsError
from framelabel.formats.files import IMAGE_SUFFIXES, head_of, safe_relative

MOST_FILES = 1_000_000
MOST_BYTES = 1 << 36
LARGEST_RATIO = 200
"""Unpacked bytes for each byte of the archive; label files reach 50, deflate itself 1032."""
_ALLOWANCE = 1 << 26
"""Bytes that a small archive may unpack to whatever its ratio."""
_COPIED = 1 << 20
_ALONE = (".json", ".xml", ".csv", ".parquet")


@contextmanager
def unpacked(path: Path) -> Iterator[tuple[Path, Callable[[str], str]]]:
    """Yield where the labels of an archive lie, unpacked for as long as the context lasts; any other path as it is.

    An archive with one label file gives that file, else the folder of all of them. The function beside it puts the
    archive's name into a text in place of the folder where it was unpacked, as is done for errors raised inside.

    Raises:
        InvalidLabelsError: the archive is damaged, encrypted, unpacks to too much, or an entry leaves its folder.
    """
    if not is_archive(path):
        yield path, str
        return
    with tempfile.TemporaryDirectory(prefix="framelabel-") as temporary:
        folder = Path(temporary, safe_relative(path.stem).replace("/", "_"))
        folder.mkdir()
        try:
            with zipfile.ZipFile(path) as archive:
                _unpack(archive, path, folder)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError, ValueError) as error:
            reason = str(error.strerror) if isinstance(error, OSError) else " ".join(str(error).split())[:200]
            raise InvalidLabelsError(f"{path}: cannot be unpacked: {reason}; pack it again") from None

        def named(text: str) -> str:
            return text.replace(str(folder), str(path))

        try:
            yield _labels_in(folder), named
        except FramelabelError as error:
            raise type(error)(named(str(error))) from None


def is_archive(path: Path) -> bool:
    """Return whether a file is a zip archive, by its content."""
    return path.is_file() and head_of(path, 4) in (b"PK\x03\x04", b"PK\x05\x06")


def _unpack(archive: zipfile.ZipFile, path: Path, folder: Path) -> None:
    entries = archive.infolist()
    if len(entries) > MOST_FILES:
        raise InvalidLabelsError(f"{path}: holds {len(entries)} files, more than {MOST_FILES}")
    limit = min(MOST_BYTES, LARGEST_RATIO * path.stat().st_size + _ALLOWANCE)
    too_much = (
        f"{path}: unpacks to more than {limit >> 20} MB, which no label archive of its size does; unpack it by hand"
    )
    if sum(entry.file_size for entry in entries) > limit:
        raise InvalidLabelsError(too_much)
    written = 0
    for entry in entries:
        name = entry.filename.replace("\\", "/")
        is_link = stat.S_ISLNK(entry.external_attr >> 16)
        if is_link or name.startswith("/") or ".." in PurePosixPath(name).parts or ":" in name.split("/", 1)[0]:
            raise InvalidLabelsError(
                f"{path}: entry {entry.filename[:200]!r} points outside the archive; nothing was read"
            )
        if entry.flag_bits & 1:
            raise InvalidLabelsError(f"{path}: entry {entry.filename[:200]!r} is encrypted; pack it without a password")
        if entry.is_dir() or PurePosixPath(name).parts[:1] == ("__MACOSX",):
            continue
        target = folder / safe_relative(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as source, target.open("wb") as copy:
            while block := source.read(_COPIED):
                written += len(block)
                if written > limit:
                    raise InvalidLabelsError(too_much)
                copy.write(block)


def _labels_in(folder: Path) -> Path:
    """Return the only label file of a folder, or the folder itself, below one that only wraps everything."""
    inside = list(folder.iterdir())
    folder = inside[0] if len(inside) == 1 and inside[0].is_dir() else folder
    files = [file for file in folder.rglob("*") if file.is_file() and file.suffix.lower() not in IMAGE_SUFFIXES]
    return files[0] if len(files) == 1 and files[0].suffix.lower() in _ALONE else folder
