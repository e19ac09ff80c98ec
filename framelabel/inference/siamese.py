"""NanoTrack: a small single-object tracking network in two ONNX files, a backbone and a head.

Conventions of the files (github.com/HonglinChu/SiamTrackers, Apache-2.0): BGR, 0-255, no normalisation. The backbone
turns a 127 x 127 template into 8 x 8 features and a 255 x 255 search window into 16 x 16; it was exported for the
search window alone. The head returns two class scores and the distances to the four sides for each cell.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import MissingModelError
from framelabel.core.protocols import SILENT, Reporter
from framelabel.inference.free_size import free_picture_size
from framelabel.inference.models import ModelSource, find_model
from framelabel.inference.session import Session

_BACKBONES = ("nanotrack_backbone.onnx", "nanotrack_backbone_sim.onnx")
_HEADS = ("nanotrack_head.onnx", "nanotrack_head_sim.onnx")

_ORIGIN = "github.com/HonglinChu/SiamTrackers, NanoTrack/models/nanotrackv3 (Apache-2.0)"
BACKBONE = ModelSource(
    "nanotrack_backbone.onnx",
    "sha256:50be1320abf9384fd3479ea829f95e244cf3f3838190c5ab60c750fb8c1ce828",
    source=_ORIGIN,
)
HEAD = ModelSource(
    "nanotrack_head.onnx", "sha256:75357903be3f4817c965af16cb5a11fd32b1467f597a408405a98635ac63f61d", source=_ORIGIN
)


class NanoTrack:
    """Embeds square RGB crops and compares a template with a search window. Safe to call from several threads."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        device: str = "cpu",
        threads: int = 1,
        reporter: Reporter = SILENT,
    ) -> None:
        """Load backbone and head from a folder, or find the pinned files in $FRAMELABEL_MODELS or the cache.

        Raises:
            MissingModelError: one of the two files is not there; the message says where to put it.
            DeviceUnavailableError: the device asked for cannot run the network here.
        """
        body = find_model(BACKBONE, None, reporter) if folder is None else _find(folder, _BACKBONES)
        top = find_model(HEAD, None, reporter) if folder is None else _find(folder, _HEADS)
        backbone = Session(body, device=device, threads=threads, reporter=reporter)
        name = backbone.inputs[0].name
        self._backbone = backbone.with_model(free_picture_size(backbone.path.read_bytes(), name, (2, 3)))
        self._head = Session(top, device=device, threads=threads, reporter=reporter)

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the (N, C, h, w) features of N square RGB crops, (N, S, S, 3)."""
        planes = np.empty((len(crops), 3, *crops.shape[1:3]), np.float32)
        for row, picture in enumerate(crops):
            for channel, plane in enumerate(cv2.split(picture)):
                planes[row, 2 - channel] = plane
        return np.stack([features[0] for features in self._backbone.run(planes)])

    def match(
        self, template: NDArray[np.float32], search: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the (K, K) probability of the object's centre and the (4, K, K) distances to its sides in pixels."""
        logits, sides = self._head.run_inputs(template[None], search[None])
        return np.asarray(1.0 / (1.0 + np.exp(logits[0, 0] - logits[0, 1])), dtype=np.float32), sides[0]


def _find(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    msg = f"{folder}: no {names[0]}; put NanoTrack's backbone and head there, or use a method without weights"
    raise MissingModelError(msg)
