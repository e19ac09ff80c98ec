"""Which frames to take: every Nth, a target rate, sync frames, scene changes, no near-duplicates. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import FrameNotFoundError, UsageError
from framelabel.core.frames import FrameIndex, FrameRef, Span, VideoId

SCENE_SCORE = 0.10
"""A picture starts a scene from this score on; the default threshold of FFmpeg's `scdet` filter."""
DUPLICATE_TOLERANCE = 6.0
"""Grey levels (of 255) by which a spot of the thumbnail must change for a picture to count as new."""
THUMBNAIL = (96, 54)
"""(width, height) of the grey pictures that scenes and duplicates are judged on; a spot is 20 pixels of 1080p."""


def every_nth(span: Span, step: int) -> range:
    """Return each `step`-th ordinal, the first of the span included.

    >>> list(every_nth(Span(10, 20), 4))
    [10, 14, 18]
    """
    if step < 1:
        msg = f"every {step} frames makes no sense; give 1 or more"
        raise UsageError(msg)
    return range(span.start, span.stop, step)


def exact_rate(fps: float | Fraction) -> Fraction:
    """Return a rate as the fraction that was meant: 29.97 is 2997/100, not a binary approximation."""
    rate = fps if isinstance(fps, Fraction) else Fraction(str(fps))
    if rate <= 0:
        msg = f"{fps} frames per second makes no sense; give more than 0"
        raise UsageError(msg)
    return rate


class AtRate:
    """Wants the first picture at or after each tick of a clock of `fps` that starts with the first picture asked about.

    Asked about pictures in order, it needs no index, so it can sample while the index is being built. Pictures are
    never repeated: footage slower than the clock passes whole.
    """

    def __init__(self, fps: float | Fraction, time_base: Fraction) -> None:
        self._ticks_per_unit = exact_rate(fps) * time_base
        self._start: int | None = None
        self._next = 0

    def __call__(self, ref: FrameRef) -> bool:
        """Whether this picture is wanted."""
        if self._start is None:
            self._start = ref.pts
        ticks = (ref.pts - self._start) * self._ticks_per_unit
        if ticks < self._next:
            return False
        self._next = math.floor(ticks) + 1
        return True


def at_rate(index: FrameIndex, span: Span, fps: float | Fraction) -> list[int]:
    """Return the ordinals in `span` that `AtRate` wants."""
    wants = AtRate(fps, index.time_base)
    return [
        span.start + offset
        for offset, pts in enumerate(index.pts[span.start : span.stop].tolist())
        if wants(FrameRef(VideoId(0), span.start + offset, pts))
    ]


def sync_frames(index: FrameIndex, span: Span) -> list[int]:
    """Return the ordinals in `span` where decoding can start: the cheapest pictures to read."""
    found: list[int] = (span.start + np.flatnonzero(index.is_sync[span.start : span.stop])).tolist()
    return found


def parse_list(text: str, frame_count: int) -> list[int]:
    """Read "3,17,40" into ordinals, in the order given.

    Raises:
        UsageError: not a list of whole numbers.
        FrameNotFoundError: a number outside the video.
    """
    try:
        ordinals = [int(word) for word in text.split(",") if word.strip()]
    except ValueError:
        msg = f"'{text}' is not a list of frames; write whole numbers with commas, for example 3,17"
        raise UsageError(msg) from None
    for ordinal in ordinals:
        if not 0 <= ordinal < frame_count:
            msg = f"frame {ordinal} does not exist; the video has frames 0 to {frame_count - 1}"
            raise FrameNotFoundError(msg)
    return ordinals


def scene_starts(thumbnails: Iterable[tuple[int, NDArray[np.uint8]]], threshold: float = SCENE_SCORE) -> Iterator[int]:
    """Yield the ordinals where a scene starts, the first picture included.

    The score of a picture is min(d, |d - d before|) / 100, where d is its mean absolute grey difference to the
    picture before: a lasting movement has a large d but little change of d (FFmpeg, `libavfilter/scene_sad.c` and
    `vf_scdet.c`).
    """
    before: NDArray[np.int16] | None = None
    last_difference = 0.0
    for ordinal, thumbnail in thumbnails:
        now = thumbnail.astype(np.int16)
        if before is None or before.shape != now.shape:
            yield ordinal
        else:
            difference = float(np.abs(now - before).mean())
            score = min(difference, abs(difference - last_difference)) / 100
            last_difference = difference
            if score >= threshold:
                yield ordinal
        before = now


def distinct(
    thumbnails: Iterable[tuple[int, NDArray[np.uint8]]], tolerance: float = DUPLICATE_TOLERANCE
) -> Iterator[int]:
    """Yield the ordinals whose picture differs from the last one yielded in at least one spot.

    One spot is enough, not the mean over the picture: in still footage a small object that moves is the news.
    """
    kept: NDArray[np.int16] | None = None
    for ordinal, thumbnail in thumbnails:
        now = thumbnail.astype(np.int16)
        if kept is None or kept.shape != now.shape or int(np.abs(now - kept).max()) > tolerance:
            kept = now
            yield ordinal


def wanted_in(ordinals: Sequence[int]) -> Callable[[FrameRef], bool]:
    """Return a predicate for `read_all` that wants exactly these ordinals."""
    chosen = frozenset(ordinals)
    return lambda ref: ref.index in chosen
