"""A crew of Ray actors: each holds the plugin and looks at shards of frames. The only file that imports Ray.

Results come back in the order of the frames, a few shards ahead at most, so memory does not grow with the clip. Ray
restarts an actor that dies and gives its shard to it again; the driver alone writes the project.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from framelabel import plugins
from framelabel.core.errors import ClusterError, FramelabelError
from framelabel.core.frames import FrameIndex
from framelabel.core.protocols import Reporter
from framelabel.core.videos import Video
from framelabel.distributed.shards import shards
from framelabel.media import open_reader
from framelabel.workflows.frame_source import SelectedFrames
from framelabel.workflows.label import LabelConfig
from framelabel.workflows.look import Seen, look_of

_AHEAD = 2
"""Shards under way for each actor."""
_RESTARTS = 3
_ACCELERATED = ("cuda", "tensorrt")


class Looker:
    """What runs in an actor: the plugin, built once, and one shard after another."""

    def __init__(self, config: LabelConfig) -> None:
        """Build the plugin with one worker: Ray gives each actor one core."""
        manifest = plugins.load(config.plugin)
        plugin = plugins.build(manifest, device=config.device, workers=1, template=config.template)
        self._look = look_of(plugin, config.effort, config.views)

    def look(self, video: Video, index: FrameIndex, ordinals: NDArray[np.int64]) -> list[Seen]:
        """Return what is found in a shard."""
        with contextlib.closing(
            open_reader(Path(video.path), video_id=video.id, index=index, reader=video.reader)
        ) as reader:
            return list(self._look(SelectedFrames(reader, ordinals), 0))


class RayCrew:
    """Looks at frames with one actor for each core (or GPU) that the cluster has."""

    def __init__(self, config: LabelConfig, report: Reporter) -> None:
        """Connect, or start Ray on this machine for "local".

        Raises:
            ClusterError: nothing answers there.
        """
        address = None if config.cluster == "local" else config.cluster
        try:
            ray.init(address=address, log_to_driver=False, include_dashboard=False if address is None else None)
        except (ConnectionError, ValueError, RuntimeError) as error:
            msg = f"--cluster {config.cluster}: cannot connect: {str(error).splitlines()[0]}"
            raise ClusterError(msg) from error
        kind = "GPU" if config.device in _ACCELERATED else "CPU"
        count = int(ray.cluster_resources().get(kind, 0))
        if count < 1:
            self.close()
            msg = f"--cluster {config.cluster}: it has no {kind}; start nodes with one, or give another --device"
            raise ClusterError(msg)
        wants: dict[str, Any] = {"num_cpus": 1, "num_gpus": 1 if kind == "GPU" else 0}
        actor = ray.remote(**wants, max_restarts=_RESTARTS, max_task_retries=_RESTARTS)(Looker)
        self._actors = [actor.remote(config) for _ in range(count)]
        report.note(f"Ray: {count} {kind} at {config.cluster}")

    def look(self, video: Video, index: FrameIndex, ordinals: NDArray[np.int64]) -> Iterator[Seen]:
        """Yield what is found in these frames, in their order.

        Raises:
            UnreadableVideoError: the video cannot be decoded there.
            ClusterError: an actor died and could not be replaced.
        """
        shared = ray.put(index)
        parts = enumerate(shards(ordinals, index, len(self._actors)))
        waiting: deque[Any] = deque()

        def give() -> None:
            for number, part in parts:
                actor = self._actors[number % len(self._actors)]
                waiting.append(actor.look.remote(video, shared, part))
                return

        for _ in range(_AHEAD * len(self._actors)):
            give()
        try:
            while waiting:
                seen = _result(waiting.popleft())
                give()
                yield from seen
        finally:
            for left in waiting:
                ray.cancel(left)

    def close(self) -> None:
        """Let the actors go; a cluster that was started here ends."""
        ray.shutdown()


def _result(reference: Any) -> list[Seen]:
    try:
        seen: list[Seen] = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, FramelabelError):
            raise error.cause from None
        raise
    except ray.exceptions.RayActorError as error:
        msg = f"a worker of the cluster died and could not start again: {str(error).splitlines()[0]}"
        raise ClusterError(msg) from error
    return seen
