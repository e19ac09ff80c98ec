"""What the page benchmark opens: two hours of 1080p from twenty encoded seconds, and a project with 100,000 labels."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray

from framelabel.core.annotations import Origin, Provenance
from framelabel.core.frames import FrameIndex, VideoId
from framelabel.core.ontology import Ontology
from framelabel.core.tasks import Task, TaskKind
from framelabel.core.tracks import Track
from framelabel.core.videos import Video
from framelabel.media import scan
from framelabel.store.project import Project

SIZE = (1920, 1080)
FPS = 25
LOOP_FRAMES = 500
"""Encoded once: half with a sync frame every 50 frames, as cameras write them, half with x264's default of 250."""
NEAR_SYNC, FAR_SYNC = range(250), range(250, 500)
"""Frames of the loop with sync frames 2 s and 10 s apart."""
HOURS = 2
CROWDED = 5000
"""The frame with 1,000 boxes."""
TRACKS, TRACK_FRAMES, CROWD = 495, 200, 1000
"""495 x 200 + 1,000 = 100,000 labels."""


def long_clip(folder: Path) -> Path:
    """Return two hours of 1080p H.264, made once and kept in `folder`."""
    target = folder / "two_hours.mp4"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        short = folder / "loop.mp4"
        _encode(short)
        _repeat(short, target, HOURS * 3600 * FPS // LOOP_FRAMES)
    return target


def long_index(folder: Path) -> FrameIndex:
    """Return the frame index of `long_clip`: that of the encoded loop, repeated, checked against the file's packets."""
    short = scan(folder / "loop.mp4")[1].index
    count = HOURS * 3600 * FPS // LOOP_FRAMES
    span = int(short.pts[-1] - short.pts[0]) * LOOP_FRAMES // (LOOP_FRAMES - 1)
    with av.open(str(folder / "two_hours.mp4")) as container:
        stored = sorted(packet.pts for packet in container.demux(video=0) if packet.pts is not None)
        time_base = container.streams.video[0].time_base
    pts = (short.pts[None, :] + span * np.arange(count)[:, None]).reshape(-1)
    if time_base != short.time_base or not np.array_equal(np.array(stored), pts):
        raise RuntimeError("the repeated file does not carry the times of its loop; remove the cache folder")
    return FrameIndex(short.time_base, pts, np.tile(short.is_sync, count), np.tile(short.digest, count))


def project_of(clip: Path, index: FrameIndex, path: Path, *, tasks: int = 0) -> None:
    """Write a project with 100,000 labels over the whole clip, one frame of it with 1,000 boxes, and open tasks."""
    generator = np.random.default_rng(7)
    video = Video(
        VideoId(0), clip.stem, str(clip), *SIZE, len(index), time_base=index.time_base, fps=Fraction(FPS)
    )  # fmt: skip
    with Project(path, create=True) as project:
        project.extend_ontology(Ontology.of(["person", "car", "bag"]))
        stored = project.add_video(video, index)
        tracks = [_track(number, generator, len(index)) for number in range(1, TRACKS + 1)]
        tracks += [_still(TRACKS + number, generator) for number in range(1, CROWD + 1)]
        project.put_tracks(stored.id, tracks, Provenance(Origin.TRACKER, "synthetic"))
        ids = generator.integers(1, TRACKS + 1, tasks).tolist()
        project.append_tasks(
            [
                Task(
                    TaskKind.TRACK,
                    stored.id,
                    int(tracks[track - 1].frame[0]),
                    int(tracks[track - 1].frame[0]) + 1,
                    track,
                    priority=float(number % 17),
                    answers_wanted=1 + number % 2,
                    reason="routing",
                )
                for number, track in enumerate(ids)
            ]
        )


def _track(number: int, generator: np.random.Generator, frame_count: int) -> Track:
    first = int(generator.integers(0, frame_count - TRACK_FRAMES))
    frame = np.arange(first, first + TRACK_FRAMES)
    corner = generator.uniform((0, 0), (1500, 800)) + np.outer(np.arange(TRACK_FRAMES), generator.normal(0, 0.8, 2))
    xyxy = np.hstack([corner, corner + generator.uniform(40, 240, 2)])
    doubt = generator.uniform(0.02, 0.3) * np.sin(np.linspace(0, np.pi, TRACK_FRAMES))
    score = np.full(TRACK_FRAMES, 0.8)
    score[60:90] = 0.0
    return Track.of(number, frame, xyxy, class_id=number % 3, uncertainty=np.abs(doubt), score=score)


def _still(number: int, generator: np.random.Generator) -> Track:
    corner = generator.uniform((0, 0), (1850, 1010), (1, 2))
    xyxy = np.hstack([corner, corner + generator.uniform(20, 60, (1, 2))])
    return Track.of(number, np.array([CROWDED]), xyxy, class_id=number % 3, uncertainty=np.array([0.1]))


def _encode(target: Path) -> None:
    with av.open(str(target), "w") as container:
        stream = container.add_stream(
            "libx264", rate=FPS, options={"preset": "veryfast", "crf": "28", "forced-idr": "1"}
        )
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        ground = _ground()
        for number in range(LOOP_FRAMES):
            frame = av.VideoFrame.from_ndarray(_picture(ground, number), format="rgb24")
            if number in NEAR_SYNC and number % 50 == 0:
                frame.pict_type = PictureType.I
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _ground() -> NDArray[np.uint8]:
    """Return a still scene with the texture of a street: smooth noise of several sizes."""
    generator = np.random.default_rng(3)
    total = np.zeros((SIZE[1], SIZE[0], 3), np.float32)
    for cells, weight in ((9, 90.0), (40, 40.0), (200, 25.0)):
        small = generator.uniform(0, weight, (cells * 9 // 16 + 1, cells, 3)).astype(np.float32)
        total += cv2.resize(small, SIZE, interpolation=cv2.INTER_CUBIC)
    return np.clip(total + 30, 0, 255).astype(np.uint8)


def _picture(ground: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """Return the scene with forty discs on their ways."""
    image = ground.copy()
    for disc in range(40):
        x = int((disc * 211 + number * (1 + disc % 7)) % SIZE[0])
        y = int((disc * 97 + number * (disc % 3)) % SIZE[1])
        colour = ((disc * 53) % 256, (disc * 101) % 256, (disc * 197) % 256)
        cv2.circle(image, (x, y), 20 + disc, colour, -1, cv2.LINE_AA)
    return image


def _repeat(short: Path, target: Path, times: int) -> None:
    """Write the packets of a file many times over, each round moved on in time; nothing is encoded again."""
    partial = target.with_suffix(".partial.mp4")
    with av.open(str(short)) as source, av.open(str(partial), "w") as container:
        stream = source.streams.video[0]
        copy = container.add_stream_from_template(stream)
        copy.time_base = stream.time_base or Fraction(1, FPS)
        facts = [
            (packet.pts, packet.dts, packet.is_keyframe, bytes(packet), packet.duration or 0)
            for packet in source.demux(stream)
            if packet.pts is not None and packet.dts is not None
        ]
        span = sum(duration for *_, duration in facts)
        for turn in range(times):
            for pts, dts, is_sync, data, duration in facts:
                packet = av.Packet(data)
                packet.pts, packet.dts, packet.duration = pts + turn * span, dts + turn * span, duration
                packet.time_base, packet.stream, packet.is_keyframe = copy.time_base, copy, bool(is_sync)
                container.mux(packet)
    partial.replace(target)
