"""The tracks of the project's videos in memory, so that a page that asks for all of them costs no reading of all."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from framelabel.core.frames import VideoId
from framelabel.core.tracks import Track
from framelabel.store.project import Project


class Objects:
    """Tracks by video, read once and then kept as they are stored: whoever changes some says which."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._tracks: dict[VideoId, dict[int, Track]] = {}
        self._reading = threading.Lock()
        self._stale: dict[VideoId, set[int]] = {}
        self._marking = threading.Lock()

    def all(self, video_id: VideoId) -> list[Track]:
        """Return the current tracks of a video by id."""
        with self._reading:
            stale = self._take_stale(video_id)
            known = self._tracks.get(video_id)
            if known is None:
                known = {track.id: track for track in self._project.tracks(video_id)}
                self._tracks[video_id] = known
            elif stale:
                for track_id in stale:
                    known.pop(track_id, None)
                known.update({track.id: track for track in self._project.tracks(video_id, None, sorted(stale))})
            return [track for _, track in sorted(known.items())]

    def some(self, video_id: VideoId, track_ids: Iterable[int]) -> list[Track]:
        """Return those of these tracks that there are, by id."""
        wanted = set(track_ids)
        return [track for track in self.all(video_id) if track.id in wanted]

    def changed(self, video_id: VideoId, track_ids: Iterable[int]) -> None:
        """Read these tracks again when somebody next asks: who has changed them does not wait for that."""
        with self._marking:
            self._stale.setdefault(video_id, set()).update(track_ids)

    def _take_stale(self, video_id: VideoId) -> set[int]:
        with self._marking:
            return self._stale.pop(video_id, set())
