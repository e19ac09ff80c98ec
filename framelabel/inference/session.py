"""A loaded model on a device: the one file that knows ONNX Runtime.

The device is what the caller asked for or an error, never a silent fallback: providers are read back from the session.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from framelabel.core.catalog import did_you_mean
from framelabel.core.errors import DeviceUnavailableError, ModelMismatchError, UnknownNameError
from framelabel.core.protocols import SILENT, Reporter

PROVIDERS: Mapping[str, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
}
DEVICES = ("auto", *PROVIDERS)

_AUTO_ORDER = ("cuda", "coreml", "directml", "openvino")
"""What `auto` tries before the CPU. TensorRT builds an engine for minutes, so it is used only when asked for."""

_HINTS: Mapping[str, str] = {
    "cuda": "install it with: pip install 'framelabel[gpu]' (and an NVIDIA driver with CUDA 12 and cuDNN 9)",
    "tensorrt": "install it with: pip install 'framelabel[gpu]' tensorrt",
    "openvino": "install it with: pip install onnxruntime-openvino",
    "coreml": "it needs macOS; install it with: pip install onnxruntime",
    "directml": "it needs Windows; install it with: pip install onnxruntime-directml",
}
_GPU_BATCH = 8
_FATAL_LEVEL = 4
"""ONNX Runtime prints nothing: what goes wrong is raised and becomes one line."""
_OUT_OF_MEMORY = (
    "out of memory",
    "failed to allocate memory",
    "cuda failure 2",
    "bfcarena",
    "not enough memory",
    "alloc_failed",
)

_DTYPES: Mapping[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output as the model file declares it."""

    name: str
    shape: tuple[int | str, ...]
    """A name or "?" where a dimension is free."""
    dtype: type[np.generic]


def usable_cores() -> int:
    """Return how many CPU cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def available_devices() -> tuple[str, ...]:
    """Return the devices that this installation of ONNX Runtime was built for."""
    present = set(onnxruntime.get_available_providers())
    return tuple(device for device, provider in PROVIDERS.items() if provider in present)


class Session:
    """A model that runs batches. Safe to call from several threads at once.

    On the CPU each call uses `threads` threads (1: callers run frames side by side, which is faster than one frame on
    all cores) and one picture at a time, so results do not depend on how pictures were grouped. On an accelerator a
    batch that does not fit is halved, then the model moves to the CPU; each step is said through `reporter.note`.
    """

    def __init__(
        self,
        path: Path,
        *,
        device: str = "auto",
        threads: int = 1,
        batch: int = 0,
        reporter: Reporter = SILENT,
        model: bytes = b"",
    ) -> None:
        """Load the model.

        Args:
            path: the ONNX file.
            device: one of `DEVICES`.
            threads: CPU threads of one call.
            batch: most pictures in one call where the model's batch is free; 0 chooses (1 on the CPU).
            reporter: hears when memory runs out.
            model: the file's content where it was edited after reading; b"" loads the file itself.

        Raises:
            DeviceUnavailableError: the device asked for cannot run this model here.
            ModelMismatchError: the file is not a model that ONNX Runtime can load.
        """
        self.path = path
        self._model = model
        self._threads = threads
        self._wanted_batch = batch
        self._reporter = reporter
        self._lock = threading.Lock()
        self._session, self.device = self._open(device)
        self.inputs = tuple(_spec(node) for node in self._session.get_inputs())
        self.outputs = tuple(_spec(node) for node in self._session.get_outputs())
        first = self.inputs[0].shape[0] if self.inputs and self.inputs[0].shape else "?"
        self.fixed_batch = first if isinstance(first, int) and first > 0 else 0
        """The batch that the file insists on; 0 when it is free."""
        self.max_batch = self._first_batch()
        """Most pictures in one call; halved when memory runs out."""

    def with_model(self, model: bytes) -> Session:
        """Return a session of an edited version of this model, with the same settings, on the same device."""
        return Session(
            self.path,
            device=self.device,
            threads=self._threads,
            batch=self._wanted_batch,
            reporter=self._reporter,
            model=model,
        )

    @property
    def metadata(self) -> Mapping[str, str]:
        """The model file's own key-value notes (class names, stride, task where the exporter wrote them)."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, batch: NDArray[Any], sizes: NDArray[np.int64] | None = None) -> list[tuple[NDArray[Any], ...]]:
        """Return the outputs of each picture of a batch, without their batch axis.

        Args:
            batch: (N, ...) the first input.
            sizes: (N, 2) width and height for a model whose second input asks for them (RT-DETR, D-FINE).
        """
        results: list[tuple[NDArray[Any], ...]] = []
        while len(results) < len(batch):
            start = len(results)
            count, device = min(self.max_batch, len(batch) - start), self.device
            try:
                results.extend(self._run_chunk(batch[start : start + count], sizes, start))
            except Exception as error:
                if not _is_out_of_memory(error) or device == "cpu":
                    raise
                self._make_room(count)
        return results

    def run_inputs(self, *inputs: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Run once with every input given, in the file's order; the outputs keep their batch axes."""
        feeds = {spec.name: value for spec, value in zip(self.inputs, inputs, strict=True)}
        return tuple(self._session.run(None, feeds))

    def _run_chunk(
        self, chunk: NDArray[Any], sizes: NDArray[np.int64] | None, start: int
    ) -> list[tuple[NDArray[Any], ...]]:
        count = len(chunk)
        missing = self.fixed_batch - count if self.fixed_batch else 0
        if missing > 0:
            chunk = np.concatenate([chunk, np.repeat(chunk[-1:], missing, axis=0)])
        feeds = {self.inputs[0].name: chunk}
        if len(self.inputs) > 1 and sizes is not None:
            rows = sizes[start : start + count]
            feeds[self.inputs[1].name] = rows if missing <= 0 else np.repeat(rows[:1], len(chunk), axis=0)
        outputs = self._session.run(None, feeds)
        return [
            tuple(
                output[row] if self._has_batch_axis(spec, len(chunk)) else output
                for output, spec in zip(outputs, self.outputs, strict=True)
            )
            for row in range(count)
        ]

    def _has_batch_axis(self, spec: TensorSpec, count: int) -> bool:
        """Tell whether an output's first axis counts pictures; lists of detections of one picture have none."""
        if len(spec.shape) >= 3 or count > 1:
            return True
        return bool(spec.shape) and spec.shape[0] == self.inputs[0].shape[0]

    def _first_batch(self) -> int:
        if self.fixed_batch:
            return self.fixed_batch
        if self._wanted_batch:
            return self._wanted_batch
        return 1 if self.device == "cpu" else _GPU_BATCH

    def _make_room(self, count: int) -> None:
        """Halve the batch after `count` pictures did not fit, or move to the CPU when one picture does not."""
        with self._lock:
            if self.device == "cpu" or count > self.max_batch:
                return
            if count > 1 and not self.fixed_batch:
                self.max_batch = count // 2
                self._reporter.note(f"{self.device} ran out of memory at batch {count}; going on with {self.max_batch}")
                return
            self._reporter.note(f"{self.device} ran out of memory at batch {count}; going on with the CPU")
            self._session, self.device = self._open("cpu")
            self.max_batch = self.fixed_batch or 1

    def _open(self, device: str) -> tuple[Any, str]:
        if device not in DEVICES:
            msg = f"unknown device '{device}'.{did_you_mean(device, DEVICES)}"
            raise UnknownNameError(msg)
        built_for = available_devices()
        if device == "auto":
            for candidate in _AUTO_ORDER:
                if candidate in built_for:
                    with suppress(DeviceUnavailableError):
                        session = self._create(candidate)
                        if _device_of(session) == candidate:
                            return session, candidate
            return self._create("cpu"), "cpu"
        if device not in built_for:
            raise DeviceUnavailableError(_not_here(device, f"this ONNX Runtime is built for {', '.join(built_for)}"))
        session = self._create(device)
        used = _device_of(session)
        if used != device:
            raise DeviceUnavailableError(
                _not_here(device, f"the session came up on {used} (driver or library missing)")
            )
        return session, used

    def _create(self, device: str) -> Any:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _FATAL_LEVEL
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        providers = [PROVIDERS[device]] if device == "cpu" else [PROVIDERS[device], PROVIDERS["cpu"]]
        try:
            return onnxruntime.InferenceSession(self._model or str(self.path), options, providers=providers)
        except Exception as error:
            if device != "cpu":
                raise DeviceUnavailableError(_not_here(device, _first_line(error))) from error
            msg = f"{self.path.name}: ONNX Runtime cannot load it: {_first_line(error)}"
            raise ModelMismatchError(msg) from error


def _spec(node: Any) -> TensorSpec:
    shape = tuple(size if isinstance(size, (int, str)) else "?" for size in node.shape)
    return TensorSpec(str(node.name), shape, _DTYPES.get(node.type, np.float32))


def _device_of(session: Any) -> str:
    """Return the device that a session really uses first, as it reports itself."""
    first = session.get_providers()[0]
    return next((device for device, provider in PROVIDERS.items() if provider == first), str(first))


def _not_here(device: str, why: str) -> str:
    return f"device {device} is not usable here: {why}; {_HINTS.get(device, '')}; or use --device auto"


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _is_out_of_memory(error: Exception) -> bool:
    text = str(error).lower()
    return any(sign in text for sign in _OUT_OF_MEMORY)


def read_shapes(specs: Sequence[TensorSpec]) -> str:
    """Return specs as people write them.

    >>> read_shapes([TensorSpec("images", (1, 3, 416, 416), np.float32)])
    'images[1,3,416,416]'
    """
    return ", ".join(f"{spec.name}[{','.join(str(size) for size in spec.shape)}]" for spec in specs)
