"""Cuts of drawn films: found where the picture becomes another, and nowhere else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.tracking.shots import ShotCuts

Image = NDArray[np.uint8]
SIZE = 320, 180


def _world(seed: int, tint: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Image:
    """Return a wide view of coloured patches, three pictures wide."""
    random = np.random.default_rng(seed)
    patches = random.integers(20, 220, (18, 96, 3)).astype(np.float32) * np.array(tint, np.float32)
    wide = cv2.resize(patches, (3 * SIZE[0], SIZE[1]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(wide, 0, 255), np.uint8)


def _view(world: Image, x: float) -> Image:
    left = round(x)
    return np.ascontiguousarray(world[:, left : left + SIZE[0]])


def _shot(seed: int, count: int = 30, speed: float = 2.0, tint: tuple[float, float, float] = (1, 1, 1)) -> list[Image]:
    world = _world(seed, tint)
    return [_view(world, 20 + speed * k) for k in range(count)]


def _cuts(images: list[Image]) -> list[int]:
    cuts = ShotCuts()
    for image in images:
        cuts.add(image)
    return cuts.found()


def _lit(image: Image, gain: float, offset: float = 0.0) -> Image:
    return np.asarray(np.clip(image * gain + offset, 0, 255), np.uint8)


def test_cuts_are_found_at_the_first_picture_of_each_shot() -> None:
    """Four shots have three cuts, each named by the picture that begins the new shot."""
    film = _shot(1, 30) + _shot(2, 12) + _shot(3, 25, tint=(1.2, 0.8, 0.7)) + _shot(4, 30)
    assert _cuts(film) == [30, 42, 67]


@pytest.mark.parametrize("speed", [0.0, 8.0, 20.0], ids=["still", "pan", "a-sixteenth-of-the-picture-a-frame"])
def test_moving_cameras_make_no_cuts(speed: float) -> None:
    """However the camera pans, and though nothing of the first picture is left in the last, it is one shot."""
    world = _world(5)
    span = 2 * SIZE[0] - 40
    places = (np.abs((speed * k) % (2 * span) - span) for k in range(60))
    assert _cuts([_view(world, 20 + place) for place in places]) == []


def test_a_jerk_makes_no_cut() -> None:
    """A camera that jumps by a fifth of the picture from one frame to the next has not cut."""
    world = _world(6)
    film = [_view(world, 50 + k) for k in range(20)] + [_view(world, 50 + 64 + k) for k in range(20)]
    assert _cuts(film) == []


@pytest.mark.parametrize("length", [1, 3], ids=["one-frame", "three-frames"])
@pytest.mark.parametrize("offset", [120.0, 255.0], ids=["bright", "white"])
def test_flashes_make_no_cuts(length: int, offset: float) -> None:
    """A flash, after which the scene is there again, is no cut."""
    film = _shot(7, 40)
    for k in range(length):
        film[20 + k] = _lit(film[20 + k], 1.0, offset)
    assert _cuts(film) == []


def test_another_picture_for_a_moment_is_no_cut() -> None:
    """Two pictures of something else, a glitch of the recorder, leave the shot whole."""
    film = _shot(8, 40)
    film[20:22] = _shot(9, 2)
    assert _cuts(film) == []


def test_a_fade_through_black_is_one_cut() -> None:
    """What comes out of black is another scene: one cut, at the first picture that shows it."""
    out = [_lit(image, 1 - k / 15) for k, image in enumerate(_shot(10, 16))]
    fade_in = [_lit(image, k / 15) for k, image in enumerate(_shot(11, 16))]
    film = _shot(10, 20) + out + [np.zeros_like(out[0])] * 5 + fade_in + _shot(11, 20)
    (cut,) = _cuts(film)
    assert 41 <= cut <= 45


def test_a_covered_camera_is_no_cut() -> None:
    """Darkness after which the same scene goes on parts nothing."""
    film = _shot(12, 60, speed=0.5)
    film[20:35] = [np.zeros_like(film[0])] * 15
    assert _cuts(film) == []


def test_light_switched_on_is_no_cut() -> None:
    """The same place at another brightness is the same shot."""
    film = [_lit(image, 0.4) for image in _shot(13, 20)] + _shot(13, 20, speed=2.0)[:20]
    assert _cuts(film) == []


@pytest.mark.parametrize("count", [0, 1, 2])
def test_clips_of_a_picture_or_two(count: int) -> None:
    """Films too short to have a usual change are handled."""
    assert _cuts(_shot(14, count)) == []


def test_pictures_without_anything_to_see() -> None:
    """Black, and pictures smaller than a thumbnail, are handled."""
    black = np.zeros((9, 16, 3), np.uint8)
    assert _cuts([black] * 20) == []
    assert _cuts([np.random.default_rng(k // 10).integers(0, 255, (9, 16, 3)).astype(np.uint8) for k in range(20)]) == [
        10
    ]
