"""The single writer: one thread, one connection, a bounded queue, one transaction per job."""

from __future__ import annotations

import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar, cast

from framelabel.core.errors import ProjectError
from framelabel.store.migrations import migrate

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]

_DEPTH = 64


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open a connection with the settings every connection needs.

    A reader opens the file for writing where it may, and then forbids itself to write: only such a connection cleans
    up the files that SQLite keeps beside the project while it is open.
    """
    mode = "rwc" if write else ("rw" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "ro")
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=30,
        )
        if write:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
        else:
            connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -65536")
    except sqlite3.Error as error:
        raise ProjectError(f"{path}: not a framelabel project, or not accessible ({error})") from None
    return connection


class Writer:
    """Runs jobs one after another in the order given, each in its own transaction."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = connect(path, write=True)
        try:
            migrate(self._connection, str(path))
        except sqlite3.Error as error:
            self._connection.close()
            raise ProjectError(f"{path}: cannot be written ({error})") from None
        except ProjectError:
            self._connection.close()
            raise
        self._jobs: queue.Queue[tuple[Job[Any], Future[Any]] | None] = queue.Queue(_DEPTH)
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="project-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job[T]) -> Future[T]:
        """Queue a job; blocks while the queue is full. The future holds its result or error."""
        if self._closed:
            raise ProjectError(f"{self._path}: the project is closed")
        future: Future[T] = Future()
        self._jobs.put((job, future))
        return future

    def run(self, job: Job[T]) -> T:
        """Queue a job and wait for its result.

        Raises:
            ProjectError: the disk is full or the file cannot be written; nothing of the job was stored.
        """
        return self.submit(job).result()

    def close(self) -> None:
        """Finish what is queued and close; calling it again does nothing."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while (entry := self._jobs.get()) is not None:
            job, future = entry
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                result = job(self._connection)
                self._connection.execute("COMMIT")
            except BaseException as error:  # noqa: BLE001 - handed to whoever waits for the job
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                future.set_exception(self._translated(error))
            else:
                future.set_result(cast("Any", result))

    def _translated(self, error: BaseException) -> BaseException:
        if isinstance(error, sqlite3.Error):
            return ProjectError(f"{self._path}: could not be written ({error}); what was stored before is intact")
        return error
