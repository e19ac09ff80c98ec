"""One process writes a project: an advisory lock beside the file, released by the system even after kill -9."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO

from framelabel.core.errors import ProjectError, ProjectLockedError


class ProjectLock:
    """Held from construction to `release` (which may be called again)."""

    def __init__(self, project: Path) -> None:
        self._path = project.with_name(project.name + ".lock")
        try:
            self._file: IO[str] | None = self._path.open("a+", encoding="utf-8")
        except OSError as error:
            raise ProjectError(f"{project}: cannot be written ({error.strerror}); check the folder's rights") from None
        if not _try_lock(self._file):
            self._file.seek(0)
            holder = self._file.read().strip()
            self._file.close()
            self._file = None
            raise ProjectLockedError(
                f"{project}: another process{f' (pid {holder})' if holder else ''} is writing it; wait or close it"
            )
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Let others write."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self._path.unlink(missing_ok=True)


def _try_lock(file: IO[str]) -> bool:
    """Return whether the lock was free."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(1 << 20)  # beyond the pid, which others must be able to read
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
