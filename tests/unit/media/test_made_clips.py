"""The cases that no shared clip has, made with ffmpeg: damage, odd containers, interlacing, clocks that jump."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framelabel.core.errors import UnreadableVideoError
from framelabel.media import open_reader, scan, verify_index
from framelabel.media.pyav_reader import PyAVOptions, PyAVReader

MakeClip = Callable[..., Path]
SOURCE = ("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=2")
H264 = ("-c:v", "libx264", "-g", "12")


@pytest.fixture
def damaged(make_clip: MakeClip, tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that makes one of the damaged files."""

    def make(kind: str) -> Path:
        whole = make_clip("moov_first.mp4", *SOURCE, *H264, "-movflags", "+faststart")
        content = bytearray(whole.read_bytes())
        if kind == "corrupt.mp4":
            noise = random.Random(0)
            for place in range(len(content) // 2, len(content) // 2 + 4000, 50):
                content[place] = noise.randrange(256)
        elif kind == "truncated.mp4":
            content = content[: len(content) * 6 // 10]
        elif kind == "truncated.ts":
            content = bytearray(make_clip("whole.ts", *SOURCE, *H264).read_bytes())
            content = content[: len(content) * 6 // 10]
        elif kind == "no_moov.mp4":
            content = bytearray(make_clip("moov_last.mp4", *SOURCE, *H264).read_bytes())
            content = content[: len(content) * 6 // 10]
        elif kind == "empty.mp4":
            content = bytearray()
        elif kind == "text.mp4":
            content = bytearray(b"this is not a video\n" * 50)
        path = tmp_path / kind
        path.write_bytes(content)
        return path

    return make


WHOLE = {
    "open-gop": (*SOURCE, "-c:v", "libx264", "-x264-params", "open-gop=1:bframes=3:keyint=12", "clip.mp4"),
    "b-frames-in-avi": (*SOURCE, "-c:v", "mpeg4", "-bf", "2", "-g", "12", "clip.avi"),
    "h264-in-avi": (*SOURCE, *H264, "-bf", "2", "clip.avi"),
    "interlaced-mpeg2": (*SOURCE, "-vf", "interlace", "-c:v", "mpeg2video", "-flags", "+ilme+ildct", "clip.mpg"),
    "interlaced-h264": (*SOURCE, "-vf", "interlace", "-c:v", "libx264", "-x264opts", "tff=1", "-g", "12", "clip.mp4"),
    "ten-bit": (*SOURCE, "-c:v", "libx264", "-pix_fmt", "yuv420p10le", "clip.mp4"),
    "prores": (*SOURCE, "-c:v", "prores", "clip.mov"),
    "one-frame": (*SOURCE, "-frames:v", "1", "-c:v", "libx264", "clip.mp4"),
    "ten-frames-dropped": (
        *(*SOURCE, "-vf", "select=not(between(n\\,10\\,19))", "-fps_mode", "passthrough"),
        *(*H264, "clip.mp4"),
    ),
    "transport-stream": (*SOURCE, *H264, "clip.ts"),
    "fragmented": (*SOURCE, *H264, "-movflags", "frag_keyframe+empty_moov", "clip.mp4"),
    "edit-list": ("-ss", "0.5", "-i", "{b_frames}", "-c", "copy", "clip.mp4"),
    "turned-180": ("-i", "{b_frames}", "-c", "copy", "-metadata:s:v", "rotate=180", "clip.mp4"),
    "turned-270": ("-i", "{b_frames}", "-c", "copy", "-metadata:s:v", "rotate=270", "clip.mp4"),
    "mjpeg-full-range": (*SOURCE, "-c:v", "mjpeg", "clip.avi"),
    "raw-upside-down": (*SOURCE, "-c:v", "rawvideo", "-pix_fmt", "bgr24", "clip.avi"),
    "palette": (*SOURCE, "-c:v", "rawvideo", "-pix_fmt", "pal8", "clip.avi"),
    "packed-yuv": (*SOURCE, "-c:v", "rawvideo", "-pix_fmt", "yuyv422", "clip.avi"),
    "gif-with-alpha": (*SOURCE, "clip.gif"),
    "grey-16-bit": (*SOURCE, "-c:v", "ffv1", "-pix_fmt", "gray16le", "clip.mkv"),
    "intra-refresh": (*SOURCE, "-c:v", "libx264", "-x264-params", "intra-refresh=1:keyint=20", "clip.mp4"),
}


@pytest.mark.parametrize("case", WHOLE)
def test_whole_files_equal_ffmpeg(case: str, make_clip: MakeClip, decode_with_ffmpeg: Callable[..., Any]) -> None:
    """Every picture and time equals the ffmpeg command's, read in sequence and shuffled; nothing counts as damage."""
    b_frames = make_clip("b_frames.mp4", *SOURCE, *H264, "-bf", "2")
    *arguments, name = (word.replace("{b_frames}", str(b_frames)) for word in WHOLE[case])
    path = make_clip(f"{case}_{name}", *arguments)
    truth = decode_with_ffmpeg(path)
    indexing = open_reader(path)
    assert truth.wrong(indexing.read_all()) == []
    content = indexing.content
    assert content.frame_count == len(truth.pts)
    assert content.damage(0) == ""
    reader = open_reader(path, index=content.index)
    shuffled = random.Random(1).sample(list(truth.pts), min(15, len(truth.pts)))
    assert truth.wrong(map(reader.frame, shuffled)) == []


def test_variable_rate_by_concatenation_is_exact(
    make_clip: MakeClip, decode_with_ffmpeg: Callable[..., Any], tmp_path: Path
) -> None:
    """25 and 10 frames a second in one file: the times are the file's own, and the file counts as variable."""
    scale = ("-c:v", "libx264", "-bf", "0", "-video_track_timescale", "12800")
    parts = [
        make_clip(f"rate_{rate}.mp4", "-f", "lavfi", "-i", f"testsrc2=size=160x120:rate={rate}:duration=2", *scale)
        for rate in (25, 10)
    ]
    listing = tmp_path / "parts.txt"
    listing.write_text("".join(f"file {part}\n" for part in parts))
    path = make_clip("vfr.mp4", "-f", "concat", "-safe", "0", "-i", str(listing), "-c", "copy")
    truth = decode_with_ffmpeg(path)
    reader = open_reader(path)
    assert truth.wrong(reader.read_all()) == []
    assert reader.content.is_vfr
    assert set(np.diff(reader.index.pts).tolist()) == {512, 1280}


@pytest.mark.parametrize(
    ("kind", "decodable", "whole"), [("truncated.mp4", 26, 24), ("truncated.ts", 29, 27), ("corrupt.mp4", 50, 24)]
)
def test_damage_is_reported_once_and_the_rest_kept(
    kind: str,
    decodable: int,
    whole: int,
    damaged: Callable[[str], Path],
    decode_with_ffmpeg: Callable[..., Any],
) -> None:
    """All pictures that ffmpeg shows are there, also by random access; one note names the readable range."""
    path = damaged(kind)
    truth = decode_with_ffmpeg(path)
    notes: list[str] = []
    content = scan(path, Notes(notes))[1]
    assert content.frame_count == len(truth.pts) == decodable
    assert len(notes) == 1
    assert f"frames 0 to {whole - 1} are whole" in notes[0]
    reader = open_reader(path, index=content.index)
    assert truth.wrong(reader.read_all()) == []
    shuffled = random.Random(1).sample(list(truth.pts), 15)
    assert truth.wrong(map(reader.frame, shuffled)) == []


UNREADABLE = {
    "no_moov.mp4": "no_moov.mp4: the MP4 has no index (moov atom); the recording was cut off before it was finished",
    "empty.mp4": "empty.mp4: the file is empty",
    "text.mp4": "text.mp4: not a video file, or a damaged one",
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_unreadable_files_say_why_in_one_line(kind: str, damaged: Callable[[str], Path]) -> None:
    """The message names the file and what is wrong with it."""
    with pytest.raises(UnreadableVideoError) as caught:
        open_reader(damaged(kind))
    assert str(caught.value) == UNREADABLE[kind]


def test_audio_is_not_video(make_clip: MakeClip) -> None:
    """A file with sound only says so, also when it carries a cover picture."""
    sine = ("-f", "lavfi", "-i", "sine=duration=1")
    with pytest.raises(UnreadableVideoError, match=r"^sound\.m4a: no video stream \(1 audio stream\)$"):
        open_reader(make_clip("sound.m4a", *sine, "-c:a", "aac"))
    cover = ("-f", "lavfi", "-i", "testsrc2=size=64x64:rate=25:duration=0.04", "-map", "0", "-map", "1")
    song = make_clip("song.mp3", *sine, *cover, "-c:v", "mjpeg", "-disposition:v", "attached_pic")
    with pytest.raises(
        UnreadableVideoError, match=r"^song\.mp3: no video stream \(1 audio stream, cover picture only\)$"
    ):
        open_reader(song)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A wrong path says so instead of blaming the format."""
    with pytest.raises(UnreadableVideoError, match="no such file"):
        open_reader(tmp_path / "absent.mp4")


def test_joined_recordings_keep_every_picture(make_clip: MakeClip, tmp_path: Path) -> None:
    """Two recordings joined byte by byte, whose clock starts over: all pictures, rising times, exact random reads."""
    part = make_clip("part.ts", *SOURCE, *H264).read_bytes()
    path = tmp_path / "joined.ts"
    path.write_bytes(part + part)
    reader = open_reader(path)
    sequential = [frame.image for frame in reader.read_all()]
    assert len(sequential) == 100
    for ordinal in (99, 50, 49, 75, 3):
        assert np.array_equal(reader.frame(ordinal).image, sequential[ordinal])


def test_the_first_size_is_the_size(make_clip: MakeClip, tmp_path: Path) -> None:
    """A recording that changes its resolution keeps one picture size, so that boxes keep their meaning."""
    small = make_clip("small.ts", "-f", "lavfi", "-i", "testsrc2=size=128x96:rate=25:duration=1", *H264)
    path = tmp_path / "resized.ts"
    path.write_bytes(make_clip("part.ts", *SOURCE, *H264).read_bytes() + small.read_bytes())
    reader = open_reader(path)
    index = reader.index
    assert {frame.image.shape for frame in open_reader(path, index=index).read([70, 2])} == {(120, 160, 3)}


def test_deinterlacing_is_optional_and_independent_of_access(make_clip: MakeClip) -> None:
    """Interlaced pictures are flagged; de-interlaced ones are the same in every order, identity unchanged."""
    path = make_clip("fields.mp4", *SOURCE, "-vf", "interlace", "-c:v", "libx264", "-x264opts", "tff=1", "-g", "12")
    stored = PyAVReader(path)
    plain = [frame.image for frame in stored.read_all()]
    assert stored.content.interlaced_count == len(plain) == 25
    filtered = PyAVReader(path, options=PyAVOptions(deinterlace=True))
    smooth = [frame.image for frame in filtered.read_all()]
    assert np.array_equal(filtered.index.digest, stored.index.digest)
    assert not np.array_equal(smooth[10], plain[10])
    rows = [np.abs(np.diff(images[10].astype(int), axis=0)).mean() for images in (smooth, plain)]
    assert rows[0] < rows[1]
    for ordinal in (24, 12, 13, 0, 5):
        assert np.array_equal(filtered.frame(ordinal).image, smooth[ordinal]), ordinal


def test_a_changed_file_is_noticed(make_clip: MakeClip) -> None:
    """Verification lists the frames that differ from the index, and reading one of them warns, once."""
    path = make_clip("b_frames.mp4", *SOURCE, *H264, "-bf", "2")
    other = make_clip("other.mp4", *SOURCE, "-vf", "drawbox=enable='between(n,20,22)':color=red", *H264, "-bf", "2")
    index = open_reader(path).index
    assert verify_index(path, index) == []
    assert set(verify_index(other, index)) >= {20, 21, 22}
    reader = open_reader(other, index=index)
    with pytest.warns(UserWarning, match="frame 21 decodes to another picture than when it was indexed"):
        reader.frame(21)
    reader.frame(22)


def test_another_video_under_the_same_name_is_refused(make_clip: MakeClip) -> None:
    """Where the presentation times are not those of the index, no picture is handed out."""
    index = open_reader(make_clip("b_frames.mp4", *SOURCE, *H264, "-bf", "2")).index
    dropped = make_clip("dropped.mp4", *SOURCE, "-vf", "select=gte(n\\,30)", "-fps_mode", "passthrough", *H264)
    with pytest.raises(UnreadableVideoError, match="frame 21 is not the picture that was indexed"):
        open_reader(dropped, index=index).frame(21)


class Notes:
    """A reporter that keeps its notes."""

    def __init__(self, notes: list[str]) -> None:
        self.notes = notes

    def start(self, name: str, total: int | None) -> None:
        """Ignore."""

    def advance(self, count: int = 1, **facts: object) -> None:
        """Ignore."""

    def note(self, message: str) -> None:
        """Keep."""
        self.notes.append(message)
