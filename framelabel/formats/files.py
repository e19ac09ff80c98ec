"""Files of a data set: read with a known encoding, found in a stable order, written beside and then renamed."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from framelabel.core.errors import InvalidLabelsError, UnsupportedLabelsError

BLOCK = 1 << 18
_FIRST_BLOCK = 1 << 16
"""Small, because readers learn a file's form from it in the slow way."""
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


def pieces(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes in blocks, without a UTF-8 byte order mark.

    Raises:
        InvalidLabelsError: the file is UTF-16 or UTF-32.
    """
    with path.open("rb") as file:
        first = True
        while block := file.read(_FIRST_BLOCK if first else BLOCK):
            if first and block.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise InvalidLabelsError(f"{path}: is UTF-16 or UTF-32; save it as UTF-8")
            yield block.removeprefix(b"\xef\xbb\xbf") if first else block
            first = False


def text_of(path: Path) -> str:
    """Return a text file's content; bytes that are not UTF-8 are read as Latin-1."""
    content = b"".join(pieces(path))
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def head_of(path: Path, count: int = 1 << 16) -> bytes:
    """Return the first bytes of a file; b"" when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(count).removeprefix(b"\xef\xbb\xbf")
    except OSError:
        return b""


def found(path: Path, suffix: str, limit: int | None = None) -> list[Path]:
    """Return a file itself, or the files below a folder with this suffix in the order of their stems.

    With a `limit` the first ones met, for a look at the content.

    Symbolic links to folders are not followed; hidden files are left out.
    """
    if path.is_file():
        return [path]
    result: list[Path] = []
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(suffix) and not name.startswith("."):
                result.append(Path(folder, name))
                if limit is not None and len(result) >= limit:
                    return result
    return sorted(result, key=lambda file: file.with_suffix("").relative_to(path).as_posix())


def safe_relative(name: str) -> str:
    """Return a name from labels as a relative path that stays inside the target, with / between parts.

    Drive letters, leading slashes, "..", control characters and characters that Windows forbids are replaced.
    """
    parts = [part for part in re.split(r"[\\/]+", name) if part not in ("", ".")]
    cleaned = [re.sub(r'[\x00-\x1f<>:"|?*]', "_", "_" if part == ".." else part) for part in parts]
    return "/".join(part[:200] for part in cleaned) or "_"


def safe_stem(name: str) -> str:
    """Return a name as one path part without its image or video suffix."""
    relative = safe_relative(name)
    path = PurePosixPath(relative)
    known = path.suffix.lower() in (*IMAGE_SUFFIXES, ".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpg")
    return str(path.with_suffix("") if known else path).replace("/", "_")


def inside(root: Path, relative: str) -> Path | None:
    """Return `root/relative`, or None when that would leave `root`."""
    target = Path(os.path.normpath(root / relative.replace("\\", "/")))
    base = Path(os.path.normpath(root))
    return target if target == base or base in target.parents else None


def write_all(path: Path, content: Iterable[tuple[str, bytes]]) -> None:
    """Write pieces of named files below `path` (the name "" is `path` itself): beside first, then renamed.

    Pieces of one file follow one another. An existing folder keeps its other files. An error leaves nothing behind.

    Raises:
        UnsupportedLabelsError: the target is a folder where a file is to be written, or the reverse.
    """
    parent = path.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    workplace = Path(tempfile.mkdtemp(prefix=f".{path.name[:100]}.", suffix=".partial", dir=parent))
    try:
        names = _write_pieces(workplace, content)
        if names == [""]:
            if path.is_dir():
                raise UnsupportedLabelsError(f"{path}: is a folder; this format writes one file, name it")
            (workplace / "file").replace(path)
            return
        if path.is_file():
            raise UnsupportedLabelsError(f"{path}: is a file; this format writes a folder, name another place")
        if not path.exists():
            (workplace / "folder").rename(path)
            path.chmod(0o755)
            return
        for name in names:
            target = path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (workplace / "folder" / name).replace(target)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _write_pieces(workplace: Path, content: Iterable[tuple[str, bytes]]) -> list[str]:
    names: list[str] = []
    file = None
    (workplace / "folder").mkdir()
    try:
        for name, piece in content:
            if file is None or name != names[-1]:
                if file is not None:
                    file.close()
                target = workplace / "folder" / name if name else workplace / "file"
                target.parent.mkdir(parents=True, exist_ok=True)
                file = target.open("wb")
                names.append(name)
            file.write(piece)
    finally:
        if file is not None:
            file.close()
    return names


def file_names(given: tuple[str, ...]) -> tuple[str, ...]:
    """Return picture names as safe relative paths with different stems."""
    taken: set[str] = set()
    names = []
    for name in given:
        safe = safe_relative(name)
        stem, dot, suffix = safe.rpartition(".") if "." in safe.rpartition("/")[2] else (safe, "", "")
        unique, number = stem, 2
        while unique.lower() in taken:
            unique, number = f"{stem}-{number}", number + 1
        taken.add(unique.lower())
        names.append(f"{unique}{dot}{suffix}")
    return tuple(names)
