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
        self._lock = threading.Lock()

    def all(self, video_id: VideoId) -> list[Track]:
        """Return the current tracks of a video by id."""
        with self._lock:
            if video_id not in self._tracks:
                self._tracks[video_id] = {track.id: track for track in self._project.tracks(video_id)}
            return [track for _, track in sorted(self._tracks[video_id].items())]

    def some(self, video_id: VideoId, track_ids: Iterable[int]) -> list[Track]:
        """Return those of these tracks that there are, by id."""
        wanted = set(track_ids)
        return [track for track in self.all(video_id) if track.id in wanted]

    def changed(self, video_id: VideoId, track_ids: Iterable[int]) -> None:
        """Read these tracks again; those that are gone are forgotten."""
        wanted = set(track_ids)
        with self._lock:
            known = self._tracks.get(video_id)
            if known is None or not wanted:
                return
            for track_id in wanted:
                known.pop(track_id, None)
            known.update({track.id: track for track in self._project.tracks(video_id, None, sorted(wanted))})
