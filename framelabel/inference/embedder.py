"""What a detection looks like: a re-identification model run on crops, in batches."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import MissingModelError, ModelMismatchError
from framelabel.core.protocols import SILENT, Reporter
from framelabel.inference.session import Session

_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
"""ImageNet's, as OSNet and the models of its library are fed."""
_DEFAULT_SIZE = (256, 128)


class Embedder:
    """Embeddings of crops, fed as RGB with ImageNet's mean and deviation; input (1 or free, 3, H, W)."""

    def __init__(self, path: Path, *, device: str = "auto", reporter: Reporter = SILENT) -> None:
        """Load the model.

        Raises:
            MissingModelError: no such file.
            ModelMismatchError: it is no ONNX model, or does not take pictures and give vectors.
            DeviceUnavailableError: the device asked for is not there.
        """
        if not path.is_file():
            msg = f"{path}: re-identification model not found; give another path, or none to track by motion alone"
            raise MissingModelError(msg)
        self._session = Session(path, device=device, reporter=reporter)
        shape = self._session.inputs[0].shape
        if len(shape) != 4 or (shape[1] not in {3, "?"} and isinstance(shape[1], int)):
            msg = f"{path}: a re-identification model takes (N, 3, H, W) pictures, this one {shape}"
            raise ModelMismatchError(msg)
        height, width = (side if isinstance(side, int) and side > 0 else 0 for side in shape[2:])
        self.size: tuple[int, int] = (height or _DEFAULT_SIZE[0], width or _DEFAULT_SIZE[1])
        """(height, width) of crops."""

    def __call__(self, image: NDArray[np.uint8], xyxy: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return (N, D) embeddings of length 1; zero where a box holds no pixel.

        Args:
            image: (H, W, 3) RGB.
            xyxy: (N, 4) pixels, anywhere.
        """
        height, width = image.shape[:2]
        edges = np.rint(np.clip(np.nan_to_num(xyxy), 0, [width, height, width, height])).astype(np.int64)
        holds = np.flatnonzero((edges[:, 2] > edges[:, 0]) & (edges[:, 3] > edges[:, 1]))
        if not len(holds):
            return np.zeros((len(xyxy), 0), np.float32)
        crops = np.stack([self._crop(image, *edges[row].tolist()) for row in holds])
        vectors = np.stack([output[0].reshape(-1) for output in self._session.run(crops)]).astype(np.float32)
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        out = np.zeros((len(xyxy), vectors.shape[1]), np.float32)
        out[holds] = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
        return out

    def _crop(self, image: NDArray[np.uint8], x1: int, y1: int, x2: int, y2: int) -> NDArray[np.float32]:
        part = cv2.resize(image[y1:y2, x1:x2], self.size[::-1], interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(((part.astype(np.float32) / 255.0 - _MEAN) / _DEVIATION).transpose(2, 0, 1))
