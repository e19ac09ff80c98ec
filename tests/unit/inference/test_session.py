"""The device is the one asked for or a clear line; memory that runs out is survived and said."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from framelabel.core.errors import DeviceUnavailableError, ModelMismatchError, UnknownNameError
from framelabel.inference.session import DEVICES, Session, available_devices

MARK = np.array([[1.0, 0.0]], np.float32)


class Heard:
    """A reporter that keeps its notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def start(self, name: str, total: int | None) -> None:
        """Ignore."""

    def advance(self, count: int = 1, **facts: object) -> None:
        """Ignore."""

    def note(self, message: str) -> None:
        """Keep."""
        self.notes.append(message)


@pytest.mark.parametrize("device", [device for device in DEVICES if device not in ("auto", *available_devices())])
def test_a_device_that_is_not_here_fails_in_one_line(constant_model: Callable[..., Path], device: str) -> None:
    """An explicit device never falls back silently: the line says what is missing and how to get it."""
    with pytest.raises(DeviceUnavailableError) as caught:
        Session(constant_model({"out": MARK}), device=device)
    line = str(caught.value)
    assert f"device {device} is not usable here" in line
    assert "install it with: pip install" in line
    assert "\n" not in line


def test_a_provider_that_comes_up_as_cpu_is_refused(
    constant_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """ONNX Runtime lists CUDA and then quietly uses the CPU when a driver is missing; reading back finds it out."""
    real = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda path, options, **_: real(path, options, providers=["CPUExecutionProvider"]),
    )
    path = constant_model({"out": MARK})
    with pytest.raises(DeviceUnavailableError, match="came up on cpu"):
        Session(path, device="cuda")
    assert Session(path, device="auto").device == "cpu"


def test_auto_goes_on_where_a_provider_does_not_start(
    constant_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken driver that raises makes `auto` use the next device, and an explicit device one clear line."""
    real = onnxruntime.InferenceSession

    def broken(path: str, options: object, providers: list[str]) -> Any:
        if providers[0] != "CPUExecutionProvider":
            msg = "libcuda.so.1: cannot open shared object file"
            raise RuntimeError(msg)
        return real(path, options, providers=providers)

    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    monkeypatch.setattr(onnxruntime, "InferenceSession", broken)
    path = constant_model({"out": MARK})
    assert Session(path, device="auto").device == "cpu"
    with pytest.raises(DeviceUnavailableError, match=r"libcuda\.so\.1.*or use --device auto"):
        Session(path, device="cuda")


def test_two_threads_that_run_out_of_memory_together_both_get_answers(
    constant_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first thread moves the model to the CPU while the second one's run is still failing on the accelerator."""
    out, glow = np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32)
    session = Session(constant_model({"out": out}, shape=("batch", 3, 4, 4), glow={"out": glow}), batch=1)
    both = threading.Barrier(2, timeout=10)

    class Full:
        def run(self, *_: object) -> None:
            both.wait()
            msg = "CUDA failure 2: out of memory"
            raise RuntimeError(msg)

    monkeypatch.setattr(session, "_session", Full())
    monkeypatch.setattr(session, "device", "cuda")
    batch = np.full((1, 3, 4, 4), 51.0, np.float32)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(session.run, batch) for _ in range(2)]
        assert [float(answer.result()[0][0][0, 0]) for answer in answers] == pytest.approx([0.2, 0.2])
    assert session.device == "cpu"


def test_unknown_device_names_the_nearest(constant_model: Callable[..., Path]) -> None:
    """A typing error is a usage error with the nearest name."""
    with pytest.raises(UnknownNameError, match="Did you mean 'cuda'"):
        Session(constant_model({"out": MARK}), device="cudaa")


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    """A wrong file is one line with its name."""
    path = tmp_path / "notes.onnx"
    path.write_text("no model")
    with pytest.raises(ModelMismatchError, match=r"notes\.onnx: ONNX Runtime cannot load it"):
        Session(path)


@pytest.mark.parametrize("first", [1, 3, "batch"])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_any_number_of_pictures_through_any_batch(
    constant_model: Callable[..., Path], first: int | str, count: int
) -> None:
    """Fixed batches are filled up and cut; each picture gets its own answer (brightness), in order."""
    out, glow = np.zeros((2, 3), np.float32), np.ones((2, 3), np.float32)
    session = Session(constant_model({"out": out}, shape=(first, 3, 4, 4), glow={"out": glow}), batch=2)
    batch = np.arange(count, dtype=np.float32).reshape(-1, 1, 1, 1) * np.ones((1, 3, 4, 4), np.float32)
    results = session.run(batch)
    assert [result[0].shape for result in results] == [(2, 3)] * count
    assert [float(result[0][0, 0]) * 255 for result in results] == pytest.approx(list(range(count)))


def test_out_of_memory_halves_the_batch_then_moves_to_the_cpu(
    constant_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A GPU that holds three pictures: 8 -> 4 -> 2 and all answers are right; one that holds none: the CPU."""
    out, glow = np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32)
    path = constant_model({"out": out}, shape=("batch", 3, 4, 4), glow={"out": glow})
    batch = np.arange(8, dtype=np.float32).reshape(-1, 1, 1, 1) * np.ones((1, 3, 4, 4), np.float32)
    for room, device, left in ((3, "cuda", 2), (0, "cpu", 1)):
        heard = Heard()
        session = Session(path, batch=8, reporter=heard)
        small = _SmallGpu(session._session, room)
        monkeypatch.setattr(session, "_session", small)
        monkeypatch.setattr(session, "device", "cuda")
        results = session.run(batch)
        assert [float(result[0][0, 0]) * 255 for result in results] == pytest.approx(list(range(8)))
        assert (session.device, session.max_batch) == (device, left)
        assert heard.notes[0] == "cuda ran out of memory at batch 8; going on with 4"
        assert len(heard.notes) == (2 if room else 4)
    assert heard.notes[-1] == "cuda ran out of memory at batch 1; going on with the CPU"


class _SmallGpu:
    """A session that has room for a few pictures only."""

    def __init__(self, real: Any, room: int) -> None:
        self.real, self.room = real, room

    def run(self, names: None, feeds: dict[str, Any]) -> Any:
        """Fail as ONNX Runtime's CUDA provider does when the batch is too large."""
        if len(feeds["images"]) > self.room:
            msg = "Failed to allocate memory for requested buffer of size 123 (BFCArena)"
            raise RuntimeError(msg)
        return self.real.run(names, feeds)


def test_other_errors_are_not_taken_for_memory(
    constant_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken kernel is raised, not hidden by moving to the CPU."""
    session = Session(constant_model({"out": MARK}, shape=("batch", 3, 4, 4)))

    class Broken:
        def run(self, *_: object) -> None:
            msg = "illegal instruction"
            raise RuntimeError(msg)

    monkeypatch.setattr(session, "_session", Broken())
    monkeypatch.setattr(session, "device", "cuda")
    with pytest.raises(RuntimeError, match="illegal"):
        session.run(np.zeros((2, 3, 4, 4), np.float32))
