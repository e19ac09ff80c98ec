"""Find a model file by content: beside its plugin, in $FRAMELABEL_MODELS, in the user's cache, or by a pinned URL.

A file is the right one when its SHA-256 is, whatever it is called. Offline is normal: the error says in one line which
file to put where.
"""

from __future__ import annotations

import hashlib
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from framelabel.core.errors import DigestMismatchError, MissingModelError
from framelabel.core.protocols import SILENT, Reporter

_CHUNK = 1 << 20
_TIMEOUT_S = 20.0
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Which file is meant and where it comes from."""

    file: str
    """Path relative to the plugin's folder."""
    digest: str = ""
    """"sha256:<64 hex digits>"; "" accepts only the file beside the plugin."""
    url: str = ""
    """Where to fetch it, pinned to a commit."""
    source: str = ""
    """In words, for people."""


def cache_folder() -> Path:
    """Return where framelabel keeps downloads: $FRAMELABEL_CACHE or the system's folder for caches."""
    chosen = os.environ.get("FRAMELABEL_CACHE")
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "framelabel"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "framelabel" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "framelabel"


def sha256(path: Path) -> str:
    """Return "sha256:<hex>" of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"


def find_model(source: ModelSource, folder: Path | None, reporter: Reporter = SILENT) -> Path:
    """Return the path of a model file, fetching it when it is nowhere on this machine.

    Args:
        source: which file.
        folder: the plugin's folder; None for a model that belongs to no plugin.
        reporter: shows a download.

    Raises:
        MissingModelError: it is not here and cannot be fetched; the message says where to put it.
        DigestMismatchError: the file beside the plugin, or what the URL gave, is not the promised one.
    """
    beside = folder / source.file if folder is not None else None
    if beside is not None and beside.is_file():
        if not source.digest:
            return beside
        digests = _Digests.load()
        found = digests.of(beside)
        digests.save()
        if found != source.digest:
            msg = f"{beside}: the file has digest {found}, the manifest promises {source.digest}"
            raise DigestMismatchError(msg)
        return beside
    if not source.digest:
        msg = f"{beside or source.file}: model file not found, and without a digest it is searched nowhere else"
        raise MissingModelError(msg)
    path = _search(source)
    if path is not None:
        return path
    why = "no url is known"
    if source.url:
        try:
            return _fetch(source, reporter)
        except (OSError, _OfflineError) as error:
            why = f"{source.url} could not be fetched: {getattr(error, 'reason', error)}"
    spot = f"as {beside}, or " if beside is not None else ""
    msg = (
        f"model '{Path(source.file).name}' ({source.digest}) is not on this machine: put it {spot}under any name in a "
        f"folder named by $FRAMELABEL_MODELS; {why}" + (f"; source: {source.source}" if source.source else "")
    )
    raise MissingModelError(msg)


class _OfflineError(Exception):
    """Fetching is switched off."""


@dataclass(slots=True)
class _Digests:
    """Digests of files already seen, kept in the cache by path, size and time of change."""

    path: Path
    known: dict[str, tuple[int, int, str]]
    is_changed: bool = False

    @staticmethod
    def load() -> _Digests:
        path = cache_folder() / "digests.json"
        try:
            known = {name: (row[0], row[1], row[2]) for name, row in orjson.loads(path.read_bytes()).items()}
        except (OSError, ValueError, LookupError, AttributeError, TypeError):
            known = {}
        return _Digests(path, known)

    def of(self, path: Path) -> str:
        """Return a file's digest, computed only when the file is new or has changed."""
        facts = path.stat()
        name = str(path.resolve())
        row = self.known.get(name)
        if row is None or row[:2] != (facts.st_size, facts.st_mtime_ns):
            row = (facts.st_size, facts.st_mtime_ns, sha256(path))
            self.known[name] = row
            self.is_changed = True
        return row[2]

    def save(self) -> None:
        """Write the table; a cache that cannot be written is only slower."""
        if not self.is_changed:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.path.with_name(f"{self.path.name}.{os.getpid()}")
            fresh.write_bytes(orjson.dumps(self.known))
            fresh.replace(self.path)
        except OSError:
            return


def search_folders() -> tuple[Path, ...]:
    """Return the folders of $FRAMELABEL_MODELS (separated as $PATH is), the shared folder's, then the user's cache.

    The shared folder is $FRAMELABEL_SHARED; in a checkout `../shared` beside it, where its tests keep real weights.
    """
    named = [Path(name) for name in os.environ.get("FRAMELABEL_MODELS", "").split(os.pathsep) if name]
    checkout = Path(__file__).resolve().parents[2]
    if "FRAMELABEL_SHARED" in os.environ:
        named.append(Path(os.environ["FRAMELABEL_SHARED"]) / "models")
    elif (checkout / "pyproject.toml").is_file():
        named.append(checkout.parent / "shared" / "models")
    return (*named, cache_folder() / "models")


def _search(source: ModelSource) -> Path | None:
    """Return a file with the right digest; files of the same name and kind are looked at first."""
    wanted = Path(source.file)
    digests = _Digests.load()

    def rank(path: Path) -> tuple[bool, bool, str]:
        return path.name != wanted.name, path.suffix != wanted.suffix, str(path)

    try:
        for folder in search_folders():
            for path in sorted(_files(folder, wanted.suffix), key=rank):
                if digests.of(path) == source.digest:
                    return path
    finally:
        digests.save()
    return None


def _files(folder: Path, suffix: str) -> Iterator[Path]:
    """Yield the files that may be models: those with the wanted suffix or with none."""
    for place, _, names in os.walk(folder):
        for name in names:
            if Path(name).suffix in (suffix, ""):
                path = Path(place) / name
                if path.is_file():
                    yield path


def _fetch(source: ModelSource, reporter: Reporter) -> Path:
    """Download into the cache, going on where an earlier download stopped; check the digest before using it."""
    if os.environ.get("FRAMELABEL_OFFLINE", "") not in ("", "0"):
        raise _OfflineError("FRAMELABEL_OFFLINE is set")
    parts = urllib.parse.urlsplit(source.url)
    if parts.scheme != "https" and parts.hostname not in _LOCAL_HOSTS:
        raise _OfflineError("only https is allowed")
    target = cache_folder() / "models" / f"{source.digest.removeprefix('sha256:')}{Path(source.file).suffix}"
    partial = target.with_name(target.name + ".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    done = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(source.url, headers={"Range": f"bytes={done}-"} if done else {})  # noqa: S310 - https only, checked above
    try:
        reply = urllib.request.urlopen(request, timeout=_TIMEOUT_S)  # noqa: S310 - as above
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        error.close()
        reply = None
    if reply is not None:
        with reply:
            resumed = reply.status == 206
            length = int(reply.headers.get("Content-Length") or 0)
            total = (length + (done if resumed else 0)) or None
            reporter.start(f"fetching {Path(source.file).name}", total)
            reporter.advance(done if resumed else 0)
            with partial.open("ab" if resumed else "wb") as stream:
                while chunk := reply.read(_CHUNK):
                    stream.write(chunk)
                    reporter.advance(len(chunk))
    found = sha256(partial)
    if found != source.digest:
        partial.unlink()
        msg = f"{source.url}: the file has digest {found}, the manifest promises {source.digest}; it was deleted"
        raise DigestMismatchError(msg)
    partial.replace(target)
    return target
