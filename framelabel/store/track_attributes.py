"""What the attributes of a track's labels say of the track as a whole."""

from __future__ import annotations

import sqlite3

import orjson

from framelabel.core.frames import VideoId
from framelabel.core.ontology import AttributeValue


def of_video(connection: sqlite3.Connection, video_id: VideoId) -> dict[int, dict[str, AttributeValue]]:
    """Return the attributes of each track that has any; of one that changes, the value of most of the track's labels.

    Of two values equally frequent the one seen first stands.
    """
    rows = connection.execute(
        "SELECT track_id, attributes, count(*) FROM current_annotations "
        "WHERE video_id = ? AND track_id >= 0 AND attributes != '{}' "
        "GROUP BY track_id, attributes ORDER BY track_id, min(frame)",
        (int(video_id),),
    )
    votes: dict[int, dict[str, dict[AttributeValue, int]]] = {}
    for track_id, text, count in rows:
        for name, value in orjson.loads(text).items():
            counted = votes.setdefault(track_id, {}).setdefault(name, {})
            counted[value] = counted.get(value, 0) + count
    return {
        track_id: {name: max(counted, key=counted.__getitem__) for name, counted in named.items()}
        for track_id, named in votes.items()
    }
