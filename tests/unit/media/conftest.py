"""The ffmpeg command line: it makes the clips that are missing, and it is the oracle for what they show."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest

from framelabel.core.frames import Frame

MakeClip = Callable[..., Path]


@dataclass(frozen=True)
class Truth:
    """What the ffmpeg command decodes, in order, of some frames."""

    time_base: Fraction
    pts: dict[int, int]
    """By ordinal."""
    md5: dict[int, str]
    """Of the rgb24 picture, by ordinal."""

    def wrong(self, frames: Iterable[Frame]) -> list[int]:
        """Return the ordinals of frames whose time or picture is not ffmpeg's, bit for bit."""
        return [
            frame.ref.index
            for frame in frames
            if frame.ref.pts != self.pts[frame.ref.index] or picture_md5(frame) != self.md5[frame.ref.index]
        ]


def picture_md5(frame: Frame) -> str:
    """Return what ffmpeg's framemd5 prints for an rgb24 picture."""
    return hashlib.md5(frame.image.tobytes(), usedforsecurity=False).hexdigest()


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120).stdout


@pytest.fixture(scope="session")
def ffmpeg() -> str:
    """Return the ffmpeg command; skips where it is not installed."""
    found = shutil.which("ffmpeg")
    if found is None:
        pytest.skip("ffmpeg command absent (it is only the tests' oracle)")
    return found


@pytest.fixture(scope="session")
def decode_with_ffmpeg(ffmpeg: str) -> Callable[..., Truth]:
    """Return a function that decodes a file in sequence with the ffmpeg command, every picture kept as it is.

    Interlaced chroma is converted by fields, and 4:2:0 chroma is placed where the stream says, as FFmpeg 7 and later
    do by themselves; version 5 must be told. One thread, since what several show of damage is chance.
    """

    def decode(path: Path, step: int = 1) -> Truth:
        streams = ("-select_streams", "v", "-show_entries", "stream=pix_fmt,chroma_location", "-of", "csv=p=0")
        probed = _output(ffmpeg.replace("ffmpeg", "ffprobe"), "-v", "error", *streams, str(path))
        is_left = "yuv420p" in probed and "left" in probed
        filters = rf"select=not(mod(n\,{step})),scale=interl=-1" + ":in_h_chr_pos=0:in_v_chr_pos=128" * is_left
        source = ("-nostdin", "-threads", "1", "-v", "error", "-copyts", "-i", str(path), "-an", "-sn", "-dn")
        as_stored = ("-vf", filters, "-fps_mode", "passthrough", "-enc_time_base", "-1", "-pix_fmt", "rgb24")
        output = _output(ffmpeg, *source, *as_stored, "-f", "framemd5", "-")
        rows = [line.split(",") for line in output.splitlines() if line[:1].isdigit()]
        base = re.search(r"#tb 0: (\S+)", output)
        assert base is not None
        return Truth(
            Fraction(base[1]),
            {row * step: int(fields[2]) for row, fields in enumerate(rows)},
            {row * step: fields[5].strip() for row, fields in enumerate(rows)},
        )

    return decode


@pytest.fixture(scope="session")
def make_clip(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> MakeClip:
    """Return a function that makes a clip once a session: `make_clip("name.mp4", "-f", "lavfi", ...)`."""
    folder = tmp_path_factory.mktemp("clips")

    def make(name: str, *arguments: str) -> Path:
        path = folder / name
        if not path.exists():
            subprocess.run(
                [ffmpeg, "-nostdin", "-v", "error", "-y", *arguments, str(path)],
                check=True,
                capture_output=True,
                timeout=60,
            )
        return path

    return make
