"""A project: one file that holds videos, labels, runs, events, tasks and answers. Many readers, one writer."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from framelabel.core.annotations import Annotation, AnnotationId, Provenance
from framelabel.core.boxes import Boxes
from framelabel.core.catalog import did_you_mean
from framelabel.core.errors import ProjectError, UnknownNameError, UsageError
from framelabel.core.events import Event
from framelabel.core.findings import Findings
from framelabel.core.frames import FrameIndex, Span, VideoId
from framelabel.core.labels import Labels
from framelabel.core.ontology import Ontology
from framelabel.core.tasks import Answer, Task
from framelabel.core.tracks import Track
from framelabel.core.videos import Video
from framelabel.store import annotations as facts
from framelabel.store import detections, documents, edits, events, labels, ontology, runs, tasks, tracks, videos
from framelabel.store.documents import Document
from framelabel.store.edits import Edit
from framelabel.store.locking import ProjectLock
from framelabel.store.migrations import check_identity
from framelabel.store.runs import Run
from framelabel.store.tracks import Detail
from framelabel.store.writer import Writer, connect

T = TypeVar("T")
Connection = sqlite3.Connection
"""What the store's functions work on; everybody else only hands it on."""


class Project:
    """An open project. Reading works from any thread; writing goes through one thread in the order given."""

    def __init__(self, path: Path | str, *, write: bool = False, create: bool = False) -> None:
        """Open a project file.

        Args:
            path: the `.framelabel` file.
            write: take the project's lock, so that labels can be stored.
            create: make the file when it does not exist (implies `write`).

        Raises:
            ProjectError: no such file, not a project, or not writable.
            ProjectLockedError: another process is writing it.
        """
        self.path = Path(path)
        self._lock: ProjectLock | None = None
        self._writer: Writer | None = None
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._taken: dict[VideoId, int] = {}
        self._taking = threading.Lock()
        if not self.path.exists() and not create:
            raise ProjectError(f"{self.path}: no such project; `framelabel label` and `framelabel import` create one")
        if self.path.is_dir():
            raise ProjectError(f"{self.path}: is a folder; name a file such as {self.path.name or 'street'}.framelabel")
        if not self.path.absolute().parent.is_dir():
            raise ProjectError(f"{self.path}: the folder {self.path.absolute().parent} does not exist; create it first")
        if write or create:
            self._lock = ProjectLock(self.path)
            try:
                self._writer = Writer(self.path)
            except ProjectError:
                self._lock.release()
                raise
        elif not check_identity(self._reader(), str(self.path)):
            self.close()
            _upgrade(self.path)

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Store what is queued, close, and let others write; calling it again does nothing."""
        if self._writer is not None:
            self._writer.close()
        for connection in self._readers:
            connection.close()
        self._readers.clear()
        self._local = threading.local()
        if self._lock is not None:
            self._lock.release()

    @property
    def is_writable(self) -> bool:
        """Whether it is open for writing."""
        return self._writer is not None

    def read(self, query: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Run one of the store's reading functions on this thread's own connection."""
        try:
            return query(self._reader(), *arguments, **options)
        except sqlite3.Error as error:
            raise ProjectError(f"{self.path}: could not be read ({error})") from None

    def write(self, change: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Run one of the store's writing functions in its own transaction and wait for it.

        Raises:
            ProjectError: the project is open for reading only, the disk is full, or the file cannot be written.
        """
        return self.write_later(change, *arguments, **options).result()

    def write_later(self, change: Callable[..., T], *arguments: Any, **options: Any) -> Future[T]:
        """Queue a change and go on; blocks only while many are queued. Its future holds the result or error."""
        if self._writer is None:
            raise ProjectError(f"{self.path}: opened for reading only; open it with write=True")
        return self._writer.submit(lambda connection: change(connection, *arguments, **options))

    # Videos and ontology

    def videos(self) -> list[Video]:
        """Return the videos in the order they were added."""
        return self.read(videos.all_videos)

    def video(self, name: str | VideoId) -> Video:
        """Return one video by name, path or id.

        Raises:
            UnknownNameError: no such video; the message holds the nearest name.
        """
        known = self.videos()
        for video in known:
            if name in (video.name, video.path, video.id):
                return video
        hint = did_you_mean(str(name), [video.name for video in known])
        raise UnknownNameError(f"{self.path}: no video '{name}'.{hint}")

    def add_video(self, video: Video, index: FrameIndex | None = None) -> Video:
        """Store a video; its id is given here, its name made unique."""
        return self.write(videos.add, video, index)

    def set_frame_index(self, video: Video, index: FrameIndex) -> None:
        """Store the frame index and measured facts of a video that is already there."""

        def change(connection: sqlite3.Connection) -> None:
            videos.replace(connection, video)
            videos.set_index(connection, video.id, index)

        self.write(change)

    def frame_index(self, video_id: VideoId) -> FrameIndex:
        """Return the identity of every picture of a video."""
        return self.read(videos.index_of, video_id)

    @property
    def ontology(self) -> Ontology:
        """The project's classes; a class id is valid for ever."""
        return self.read(ontology.read)

    def extend_ontology(self, other: Ontology) -> Ontology:
        """Add classes that the project lacks; return the whole ontology."""
        return self.write(ontology.extend, other)

    # Runs and detections

    def begin_run(self, kind: str, video_id: VideoId, config: Mapping[str, Any], frames: NDArray[np.int64]) -> Run:
        """Start a run, or find the one of equal config where it stopped."""
        return self.write(runs.begin, kind, video_id, config, frames)

    def store_detections(
        self, run: Run, frames: Sequence[tuple[int, Findings]], done_count: int, beside: Sequence[Annotation] = ()
    ) -> Future[None]:
        """Append what was found in some frames and how far the run has come, in one transaction, without waiting.

        `beside` holds facts about the same frames, such as the names of single pictures.
        """

        def change(connection: sqlite3.Connection) -> None:
            detections.append(connection, run.id, frames)
            facts.append(connection, beside)
            runs.advance(connection, run.id, done_count)

        return self.write_later(change)

    def detections(self, run: Run, frames: Iterable[int]) -> Iterator[Boxes]:
        """Yield the detections of each of these frames (ascending)."""
        return self.read(detections.of_run, run.id, frames)

    def findings(self, run: Run, frames: Iterable[int]) -> Iterator[Findings]:
        """Yield boxes, shapes and tags of each of these frames (ascending)."""
        return self.read(detections.findings_of_run, run.id, frames)

    def runs(self) -> list[Run]:
        """Return all runs, oldest first."""
        return self.read(runs.all_runs)

    # Annotations, tracks, labels

    def append(self, new: Iterable[Annotation]) -> list[AnnotationId]:
        """Store annotations; return their ids."""
        return self.write(facts.append, new)

    def annotations(
        self,
        video_id: VideoId,
        span: Span | None = None,
        track_ids: Sequence[int] | None = None,
        *,
        history: bool = False,
    ) -> Iterator[Annotation]:
        """Yield the current annotations of a video by frame; with `history` all that ever were."""
        return self.read(facts.select, video_id, span, track_ids, history=history)

    def tracks(
        self, video_id: VideoId, span: Span | None = None, track_ids: Sequence[int] | None = None
    ) -> list[Track]:
        """Return the current tracks of a video."""
        return self.read(tracks.select, video_id, span, track_ids)

    def put_tracks(self, video_id: VideoId, new: Sequence[Track], provenance: Provenance) -> None:
        """Append tracks."""
        self.write(tracks.put, video_id, new, provenance)

    def replace_track(
        self,
        video_id: VideoId,
        track: Track,
        span: Span,
        provenance: Provenance,
        details: Mapping[int, Detail] | None = None,
    ) -> None:
        """Replace what is current of one track inside a span, keeping human boxes and history."""
        self.write(tracks.replace, video_id, track, span, provenance, details)

    def next_track_id(self, video_id: VideoId) -> int:
        """Return a track id that was never used in this video."""
        return self.read(tracks.next_track_id, video_id)

    def take_track_id(self, video_id: VideoId) -> int:
        """Return a track id that nobody else gets: not even who asks before its first row is stored."""
        with self._taking:
            self._taken[video_id] = max(self._taken.get(video_id, 0) + 1, self.next_track_id(video_id))
            return self._taken[video_id]

    def labels(self, video_ids: Sequence[VideoId] | None = None) -> Labels:
        """Return the current labels of all (or some) videos in columns."""
        return self.read(labels.read, video_ids)

    def label_counts(self) -> dict[str, int]:
        """Return how many current labels there are of each class, by name."""
        return self.read(labels.count_by_class)

    def append_labels(self, new: Labels, video_ids: Sequence[VideoId], provenance: Provenance) -> int:
        """Store labels in bulk; `video_ids[k]` is the project's video for row k of `new.videos`."""
        if len(video_ids) != len(new.videos):
            raise UsageError(f"{len(new.videos)} videos need as many ids, got {len(video_ids)}")
        return self.write(labels.append, new, video_ids, provenance)

    # What people change

    def edit(self, edit: Edit, change: Callable[[sqlite3.Connection], T]) -> tuple[Edit, T | None]:
        """Run a change as one step of undo of its author; return the edit with its id, and the change's result.

        A request that was done before is not done again; the result is None then.
        """
        return self.write(edits.perform, edit, change)

    def extend_edit(self, edit: Edit, change: Callable[[sqlite3.Connection], object]) -> None:
        """Run a change that follows from an edit; undoing the edit takes both back."""
        self.write(edits.extend, edit.id, change)

    def edit_of_request(self, author: str, request: str) -> Edit | None:
        """Return the edit that an author's request made; None when it has made none."""
        return self.read(edits.of_request, author, request)

    def undo(self, author: str) -> Edit | None:
        """Undo the author's last edit; None when there is none."""
        return self.write(edits.undo, author)

    def redo(self, author: str) -> Edit | None:
        """Redo what the author undid last; None when there is none."""
        return self.write(edits.redo, author)

    def tracks_of_edit(self, edit: Edit) -> list[int]:
        """Return the ids of the tracks that an edit changed."""
        return self.read(edits.tracks_of, edit.id)

    def edits_by_author(self) -> dict[str, int]:
        """Return how many edits of each person stand."""
        return self.read(edits.count_by_author)

    # Events, tasks, answers, documents

    def events(self, video_id: VideoId | None = None) -> list[Event]:
        """Return what rules found."""
        return self.read(events.select, video_id)

    def append_events(self, found: Sequence[Event]) -> None:
        """Store events."""
        self.write(events.append, found)

    def tasks(self, *, open_only: bool = True) -> list[Task]:
        """Return the questions to people, most useful first."""
        return self.read(tasks.select, open_only=open_only)

    def task(self, task_id: int) -> Task | None:
        """Return one question, open or not; None when there is none of this id."""
        return self.read(tasks.by_id, task_id)

    def tasks_for(self, annotator: str, limit: int) -> list[tuple[Task, int]]:
        """Return the most useful open tasks that this person has not answered, each with its count of answers."""
        return self.read(tasks.for_annotator, annotator, limit)

    def open_task_count(self, annotator: str | None = None) -> int:
        """Return how many tasks are open, golden ones left out; or how many are open to a person, golden ones too."""
        return self.read(tasks.open_count, annotator)

    def append_tasks(self, new: Sequence[Task]) -> list[int]:
        """Store tasks; return their ids."""
        return self.write(tasks.append, new)

    def answers(self, task_id: int | None = None) -> list[Answer]:
        """Return the answers to one task, or all."""
        return self.read(tasks.answers, task_id)

    def add_answer(self, answer: Answer) -> int:
        """Store one answer; return its id."""
        return self.write(tasks.add_answer, answer)

    def document(self, kind: str, name: str = "") -> Document | None:
        """Return the newest stored result of a kind and name."""
        return self.read(documents.newest, kind, name)

    def put_document(self, document: Document) -> None:
        """Keep a whole result with the project."""
        self.write(documents.append, document)

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self.path, write=False)
            self._local.connection = connection
            self._readers.append(connection)
        return connection


def _upgrade(path: Path) -> None:
    """Bring an older project to the newest schema; waits for nobody: its creator may be at work on it."""
    lock = ProjectLock(path)
    try:
        Writer(path).close()
    finally:
        lock.release()
