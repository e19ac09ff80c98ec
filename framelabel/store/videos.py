"""Tables `videos` and `frame_indices`."""

from __future__ import annotations

import sqlite3
from fractions import Fraction

import numpy as np

from framelabel.core.errors import FrameNotFoundError, UnknownNameError
from framelabel.core.frames import FrameIndex, VideoId
from framelabel.core.videos import Video

_COLUMNS = (
    "id, name, path, width, height, frame_count, "
    "time_base_numerator, time_base_denominator, fps_numerator, fps_denominator, reader"
)


def add(connection: sqlite3.Connection, video: Video, index: FrameIndex | None) -> Video:
    """Store a video under a free name and return it with its id; the given id is ignored."""
    name = _free_name(connection, video.name)
    cursor = connection.execute(
        f"INSERT INTO videos ({_COLUMNS}) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            name,
            video.path,
            video.width,
            video.height,
            video.frame_count,
            video.time_base.numerator,
            video.time_base.denominator,
            video.fps.numerator,
            video.fps.denominator,
            video.reader,
        ),
    )
    video_id = VideoId(int(cursor.lastrowid or 0))
    if index is not None:
        set_index(connection, video_id, index)
    return by_id(connection, video_id)


def replace(connection: sqlite3.Connection, video: Video) -> None:
    """Store newly measured facts of a video that is already there."""
    connection.execute(
        "UPDATE videos SET path = ?, width = ?, height = ?, frame_count = ?, time_base_numerator = ?, "
        "time_base_denominator = ?, fps_numerator = ?, fps_denominator = ? WHERE id = ?",
        (
            video.path,
            video.width,
            video.height,
            video.frame_count,
            video.time_base.numerator,
            video.time_base.denominator,
            video.fps.numerator,
            video.fps.denominator,
            video.id,
        ),
    )


def set_index(connection: sqlite3.Connection, video_id: VideoId, index: FrameIndex) -> None:
    """Store a video's frame index."""
    connection.execute(
        "INSERT OR REPLACE INTO frame_indices (video_id, pts, is_sync, digest) VALUES (?, ?, ?, ?)",
        (
            video_id,
            index.pts.astype("<i8").tobytes(),
            index.is_sync.astype(np.uint8).tobytes(),
            index.digest.astype("<u8").tobytes(),
        ),
    )


def index_of(connection: sqlite3.Connection, video_id: VideoId) -> FrameIndex:
    """Return a video's frame index.

    Raises:
        FrameNotFoundError: none was stored (labels imported without footage).
    """
    row = connection.execute(
        "SELECT pts, is_sync, digest, time_base_numerator, time_base_denominator "
        "FROM frame_indices JOIN videos ON videos.id = video_id WHERE video_id = ?",
        (video_id,),
    ).fetchone()
    if row is None:
        raise FrameNotFoundError(f"video {video_id} has no frame index; its labels were imported without footage")
    return FrameIndex(
        Fraction(row[3], row[4]),
        np.frombuffer(row[0], "<i8").astype(np.int64),
        np.frombuffer(row[1], np.uint8).astype(np.bool_),
        np.frombuffer(row[2], "<u8").astype(np.uint64),
    )


def all_videos(connection: sqlite3.Connection) -> list[Video]:
    """Return every video in the order they were added."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM videos ORDER BY id")
    return [_video(row) for row in rows]


def by_id(connection: sqlite3.Connection, video_id: VideoId) -> Video:
    """Return one video.

    Raises:
        UnknownNameError: the project has no video of this id.
    """
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM videos WHERE id = ?",
        (video_id,),
    ).fetchone()
    if row is None:
        raise UnknownNameError(f"the project has no video {video_id}")
    return _video(row)


def _video(row: tuple[int, str, str, int, int, int, int, int, int, int, str]) -> Video:
    return Video(VideoId(row[0]), *row[1:6], Fraction(row[6], row[7]), Fraction(row[8], row[9]), row[10])


def _free_name(connection: sqlite3.Connection, wanted: str) -> str:
    """Return `wanted`, or `wanted-2`, `wanted-3`, ... when another video has it."""
    taken = {row[0] for row in connection.execute("SELECT name FROM videos")}
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    return name
