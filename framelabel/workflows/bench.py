"""`framelabel bench`: how fast this machine labels with a plugin, and which settings are fastest."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from framelabel import plugins
from framelabel.core.config import setting
from framelabel.core.frames import Frame, FrameRef, VideoId
from framelabel.core.protocols import SILENT, Reporter
from framelabel.inference.session import usable_cores

_SIZE = (1080, 1920)


@dataclass(frozen=True, slots=True)
class BenchConfig:
    """What to measure."""

    plugin: str = setting("defects", help="A bundled plugin's name, or a plugin folder.")
    device: str = setting("auto", help="Where the model runs.")
    frames: int = setting(60, help="Pictures per measurement.")
    tune: bool = setting(False, help="Also try other numbers of workers and batch sizes, and name the fastest.")


@dataclass(frozen=True, slots=True)
class Speed:
    """One measurement."""

    workers: int
    batch: int
    frames_a_second: float
    device: str


def run(config: BenchConfig, report: Reporter = SILENT) -> list[Speed]:
    """Measure detection on 1080p pictures, fastest first; the plugin's default setting is always among them.

    Raises:
        MissingModelError: the plugin's model is not on this machine.
    """
    manifest = plugins.load(config.plugin)
    settings = [(0, 0)]
    if config.tune:
        settings += [(workers, batch) for workers in range(1, usable_cores() + 1) for batch in (1, 4)]
    report.start("bench", len(settings))
    speeds = []
    for workers, batch in settings:
        plugin = plugins.build(manifest, device=config.device, workers=workers, batch=batch)
        for _ in plugin.detector.detect_stream(_pictures(4)):
            pass
        begun = time.perf_counter()
        for _ in plugin.detector.detect_stream(_pictures(config.frames)):
            pass
        rate = config.frames / (time.perf_counter() - begun)
        speeds.append(Speed(plugin.detector.workers, plugin.detector.session.max_batch, rate, plugin.detector.device))
        report.advance()
    return sorted(speeds, key=lambda speed: -speed.frames_a_second)


def _pictures(count: int) -> Iterator[Frame]:
    """Yield the same noisy picture under different numbers."""
    image = np.random.default_rng(0).integers(0, 255, (*_SIZE, 3), np.uint8)
    for number in range(count):
        yield Frame(FrameRef(VideoId(0), number, number), image)


def seconds_for(speed: Speed, hours: float, fps: Fraction) -> float:
    """Return how long detection on this much footage takes."""
    return hours * 3600 * float(fps) / speed.frames_a_second
