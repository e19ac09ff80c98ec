"""Shards cover every frame once, in order, and begin at sync frames where one is near."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from framelabel.core.frames import FrameIndex
from framelabel.distributed.shards import shards


def index(count: int, gop: int) -> FrameIndex:
    """Return the index of a clip with a sync frame every `gop` frames."""
    return FrameIndex(Fraction(1, 25), np.arange(count), np.arange(count) % gop == 0, np.zeros(count, np.uint64))


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 250, 5000])
@pytest.mark.parametrize("gop", [1, 12, 250, 10_000])
@pytest.mark.parametrize(("every", "workers"), [(1, 1), (1, 64), (7, 4)])
def test_every_frame_once(count: int, gop: int, every: int, workers: int) -> None:
    """Joined again, the shards are the frames that were asked for; none is empty and none is endless."""
    ordinals = np.arange(0, count, every)
    parts = list(shards(ordinals, index(count, gop), workers))
    assert np.array_equal(np.concatenate([np.zeros(0, np.int64), *parts]), ordinals)
    assert all(0 < len(part) <= 512 for part in parts)


def test_begins_at_sync_frames() -> None:
    """A cut that can lie at a sync frame lies there, so that no worker decodes frames of its neighbour."""
    clip = index(1000, 50)
    parts = list(shards(np.arange(1000), clip, 4))
    assert len(parts) > 4
    assert all(clip.is_sync[part[0]] for part in parts)


def test_resumed_in_the_middle() -> None:
    """Frames that are done are not in any shard."""
    parts = list(shards(np.arange(123, 400), index(400, 50), 2))
    assert parts[0][0] == 123
    assert parts[-1][-1] == 399
