"""Install a plugin from a zip or a folder: nothing of it runs, nothing of it lands outside its own folder."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from framelabel.core.errors import InvalidManifestError, UsageError
from framelabel.plugins.loading import MANIFEST, bundled_folder, installed_folder, read
from framelabel.plugins.schema import Manifest

MOST_BYTES = 2 << 30
"""Unpacked size that is accepted; a zip bomb stops here."""
MOST_FILES = 10_000


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a plugin wants to do on this machine, known before anything of it is kept."""

    name: str
    title: str
    classes: tuple[str, ...]
    hook: str
    """"file.py:function" that runs on every frame; "" for a plugin without code."""
    url: str
    """Where the model is fetched from; "" for none."""
    licence: str
    hides: bool
    """A bundled plugin of this name is no longer found once this one is installed."""
    files: int
    bytes: int


def inspect(source: Path) -> Permissions:
    """Return what a zip or folder holds and asks for. It is copied to a temporary folder; none of its code runs.

    Raises:
        UsageError: neither, or one whose entries lead outside, link elsewhere or are too large.
        InvalidManifestError: its plugin.yaml is missing or wrong.
    """
    with tempfile.TemporaryDirectory() as folder:
        return permissions_of(_taken(source, Path(folder)))


def permissions_of(manifest: Manifest) -> Permissions:
    """Return what a checked manifest asks for."""
    files = [path for path in manifest.folder.rglob("*") if path.is_file()]
    return Permissions(
        manifest.name,
        manifest.title,
        tuple(entry.name for entry in manifest.classes),
        manifest.hook,
        manifest.model.url,
        manifest.model.licence,
        (bundled_folder() / manifest.name / MANIFEST).is_file(),
        len(files),
        sum(path.stat().st_size for path in files),
    )


def install(source: Path, *, replace: bool = False) -> Path:
    """Put the plugin of a zip or folder where `framelabel plugins list` finds it; return its folder.

    Raises:
        UsageError: as `inspect`, or a plugin of this name is installed and `replace` is not given.
    """
    root = installed_folder()
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".new-") as folder:
        manifest = _taken(source, Path(folder))
        target = root / manifest.name
        if target.exists() and not replace:
            msg = f"plugin '{manifest.name}' is already installed in {target}; give --replace to replace it"
            raise UsageError(msg)
        if target.exists():
            shutil.rmtree(target)
        manifest.folder.replace(target)
    return target


def _taken(source: Path, folder: Path) -> Manifest:
    """Copy or unpack into an empty folder and return the checked manifest."""
    content = folder / "content"
    return read(_copied(source, content) if source.is_dir() else _unpacked(source, content))


def _copied(source: Path, content: Path) -> Path:
    """Copy a folder of plain files and return the copy."""
    if not (source / MANIFEST).is_file():
        msg = f"{source}: no {MANIFEST} in this folder"
        raise InvalidManifestError(msg)
    # listed before anything is written: the copy may lie below the folder that is copied
    paths = sorted(source.rglob("*"))
    odd = next((path for path in paths if path.is_symlink() or not (path.is_file() or path.is_dir())), None)
    if odd is not None:
        msg = f"{odd}: is a link or device; nothing was copied"
        raise UsageError(msg)
    files = [path for path in paths if path.is_file()]
    _check_amount(source, len(files), sum(path.stat().st_size for path in files))
    for path in files:
        target = content / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return content


def _unpacked(archive: Path, content: Path) -> Path:
    """Unpack a zip and return the folder of its plugin.yaml."""
    try:
        with zipfile.ZipFile(archive) as packed:
            top = _check_entries(archive, packed)
            _extract(archive, packed, content)
    except zipfile.BadZipFile as error:
        msg = f"{archive}: not a zip file: {error}"
        raise UsageError(msg) from error
    return content / top


def _extract(archive: Path, packed: zipfile.ZipFile, content: Path) -> None:
    """Write every entry, with one line for what zipfile cannot read: passwords, rare compressions, damaged data."""
    for entry in packed.infolist():
        try:
            packed.extract(entry, content)
        except (RuntimeError, OSError, EOFError, zlib.error) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            why = "it needs a password" if entry.flag_bits & 1 else why
            msg = f"{archive}: entry '{entry.filename}' cannot be unpacked: {why}"
            raise UsageError(msg) from error


def _check_amount(source: Path, count: int, size: int) -> None:
    if size > MOST_BYTES or count > MOST_FILES:
        msg = f"{source}: {count} files of {size / 1e9:.1f} GB are more than a plugin may hold (2 GB)"
        raise UsageError(msg)


def _check_entries(archive: Path, packed: zipfile.ZipFile) -> PurePosixPath:
    """Return the folder of plugin.yaml inside the zip, after every entry has been found harmless."""
    entries = packed.infolist()
    for entry in entries:
        name = entry.filename
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
            msg = f"{archive}: entry '{name}' leads outside the plugin's folder; nothing was unpacked"
            raise UsageError(msg)
        mode = entry.external_attr >> 16
        if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_IFMT(mode) == 0):
            msg = f"{archive}: entry '{name}' is a link or device; nothing was unpacked"
            raise UsageError(msg)
    _check_amount(archive, len(entries), sum(entry.file_size for entry in entries))
    manifests = [PurePosixPath(entry.filename) for entry in entries if PurePosixPath(entry.filename).name == MANIFEST]
    tops = [path.parent for path in manifests if len(path.parts) <= 2]
    if len(tops) != 1:
        msg = f"{archive}: needs one {MANIFEST}, at the top or in one folder; found {len(tops)}"
        raise InvalidManifestError(msg)
    return tops[0]
