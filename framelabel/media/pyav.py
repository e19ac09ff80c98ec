"""One video file through PyAV (FFmpeg), and the only file that imports it: open, step, seek, hash, convert.

What a picture's place in the video is, and how to get to it, is `pyav_reader`'s business.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import xxhash
from av.filter import Graph
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from framelabel.core.errors import UnreadableVideoError
from framelabel.media.facts import HeaderFacts
from framelabel.media.orientation import Orientation, orientation_of_matrix, orientation_of_turn

Picture = VideoFrame
"""A decoded picture before conversion; `key_frame`, `is_corrupt` and `interlaced_frame` are its flags."""

_RANGES = {1: "limited", 2: "full"}
_SPACES = {0: "rgb", 1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}
_CHANNELS = {"rgb24": 3, "gray": 1}
_INTERPOLATION = {"rgb24": Interpolation.BICUBIC, "gray": Interpolation.AREA}
"""Bicubic is what the ffmpeg command uses for chroma; plain 8-bit 4:2:0 takes swscale's direct path either way."""
_NOT_A_VIDEO = "not a video file, or a damaged one"
_PATIENCE_S = 10.0
"""For an address to answer, and between two packets of it."""
_RTSP_OVER_TCP = {"rtsp_transport": "tcp"}
"""Over UDP, lost packets would show as damage; other protocols ignore the option."""
_HIDES = {"vp8", "vp9", "libdav1d", "av1", "libvpx-vp9"}
"""Decoders of codecs with packets that show nothing, so that packets and pictures need not match."""
_ATTACHED_PICTURE = 0x400
"""FFmpeg's AV_DISPOSITION_ATTACHED_PIC: cover art, not footage."""


class DamagedError(Exception):
    """Several threads met damage; what they show of it is chance, and good pictures may be lost. Decode with one."""


class PyAVFile:
    """An open file with its best video stream, as the ffmpeg command would choose it.

    Args:
        path: the file.
        threads: decoder threads; 0 lets FFmpeg choose by the number of cores.

    Raises:
        UnreadableVideoError: no such file, not a video, no video stream, or no picture in it.
    """

    def __init__(self, path: str | Path, threads: int = 0) -> None:
        self.path = str(path)
        self.name = Path(path).name
        self.failed_packets = 0
        self.end_error = ""
        is_address = "://" in self.path
        if not is_address and not Path(path).exists():
            msg = f"{path}: no such file"
            raise UnreadableVideoError(msg)
        device = "v4l2" if self.path.startswith("/dev/video") else None
        patience = _PATIENCE_S if is_address else None
        try:
            self._container = av.open(
                self.path, mode="r", format=device, metadata_errors="replace", timeout=patience, options=_RTSP_OVER_TCP
            )
        except (av.FFmpegError, OSError) as error:
            reason = error.strerror if is_address else _reason(self.path, error)
            raise UnreadableVideoError(f"{self.path if is_address else self.name}: {reason}") from None
        try:
            self._stream = self._choose_stream()
            self._stream.thread_type = "AUTO"
            self._stream.codec_context.thread_count = threads
            self._has_stored_pts = self._container.format.name != "avi"
            self.time_base = self._stream.time_base or Fraction(1, 1000)
        except BaseException:
            self._container.close()
            raise
        self._is_whole_run = True
        self.skip_before = -(1 << 63)
        """Pictures of earlier pts need not be decoded, unless others are predicted from them."""
        self._is_skipping = False
        self._reformatter = VideoReformatter()
        self._orientation: Orientation | None = None
        self.size: tuple[int, int] | None = None
        """(width, height) that converted pictures get before rotation; that of the first picture when not set."""

    def _choose_stream(self) -> VideoStream:
        streams = self._container.streams
        stream = streams.best("video")
        covers = [one for one in streams.video if one.disposition.value & _ATTACHED_PICTURE]
        if isinstance(stream, VideoStream) and stream not in covers and stream.codec_context is not None:
            return stream
        others = [f"{len(streams.audio)} audio stream{'s' * (len(streams.audio) != 1)}"] if streams.audio else []
        others += ["cover picture only"] if covers else []
        if not others:
            raise UnreadableVideoError(f"{self.name}: {_NOT_A_VIDEO}")
        msg = f"{self.name}: no video stream ({', '.join(others)})"
        raise UnreadableVideoError(msg)

    def close(self) -> None:
        """Release the file; calling it again does nothing."""
        self._container.close()

    @property
    def step(self) -> int:
        """Nominal duration of one picture in time base units, at least 1."""
        rate = self._stream.average_rate or self._stream.guessed_rate
        return max(1, round(1 / (rate * self.time_base))) if rate else 1

    @property
    def second(self) -> int:
        """Time base units in one second, at least 1."""
        return max(1, round(1 / self.time_base))

    def header(self) -> HeaderFacts:
        """Return what the header and the first picture say (decodes that picture; the position is lost)."""
        first = next(self.pictures(), None)
        if first is None:
            msg = f"{self.name}: no picture of its {self._stream.codec_context.name} stream can be decoded"
            raise UnreadableVideoError(msg)
        orientation = self._orientation_of(first)
        stream, context = self._stream, self._stream.codec_context
        duration = self._container.duration
        return HeaderFacts(
            path=self.path,
            container=self._container.format.name,
            codec=context.codec.canonical_name,
            profile=context.profile or "",
            pixel_format=first.format.name,
            bit_depth=first.format.components[0].bits,
            has_alpha=any(component.is_alpha for component in first.format.components),
            coded_width=first.width,
            coded_height=first.height,
            orientation=orientation,
            sample_aspect_ratio=stream.sample_aspect_ratio or Fraction(1),
            colour_range=_RANGES.get(int(first.color_range), "unspecified"),
            colour_space=_SPACES.get(int(first.colorspace), "unspecified"),
            time_base=self.time_base,
            start_pts_from_header=stream.start_time,
            frame_count_from_header=stream.frames,
            fps_from_header=stream.average_rate or Fraction(0),
            duration_s_from_header=duration / av.time_base if duration else 0.0,
            audio_streams=len(self._container.streams.audio),
            byte_size=Path(self.path).stat().st_size,
        )

    def seek(self, pts: int) -> bool:
        """Go to the container's sync point at or before `pts`, or say that this file cannot seek."""
        self._is_whole_run = False
        try:
            self._container.seek(pts, stream=self._stream)
        except av.FFmpegError:
            return False
        return True

    def pictures(self) -> Iterator[Picture]:
        """Yield every picture from here to the end, in presentation order; packets that cannot be decoded are counted.

        Raises:
            DamagedError: see there; never with one thread.
        """
        sent = received = 0
        for packet in self._packets():
            sent += packet is not None and not packet.is_discard
            self._skip_or_not(packet)
            try:
                pictures = self._stream.codec_context.decode(packet)
            except av.FFmpegError as error:
                self.failed_packets += 1
                if self._is_threaded:
                    raise DamagedError from error
                continue
            for picture in pictures:
                if picture.is_corrupt and self._is_threaded:
                    raise DamagedError
                received += 1
                yield picture
        # Several threads hold as many pictures at the end, and PyAV drops those behind one that fails, silently.
        if (
            received < sent
            and self._is_threaded
            and self._is_whole_run
            and self._stream.codec_context.name not in _HIDES
        ):
            raise DamagedError

    def _skip_or_not(self, packet: Packet[VideoStream] | None) -> None:
        """Let the decoder leave out a picture before `skip_before` that no other picture is predicted from."""
        is_early = packet is not None and packet.pts is not None and packet.pts < self.skip_before
        if is_early != self._is_skipping:
            self._stream.codec_context.skip_frame = "NONREF" if is_early else "DEFAULT"
            self._is_skipping = is_early
            self._is_whole_run = False

    @property
    def can_skip(self) -> bool:
        """Whether pictures can be told apart by stored times, so that some may be left out."""
        return self._has_stored_pts

    @property
    def _is_threaded(self) -> bool:
        return self._stream.codec_context.thread_count != 1

    def _packets(self) -> Iterator[Packet[VideoStream] | None]:
        """Yield the stream's packets, then None, which makes the decoder give up the pictures that it still holds."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except IndexError:  # a stream that appeared on the way (damaged transport streams); PyAV does not expect it
                packets = self._container.demux(self._stream)
                continue
            except StopIteration:
                break
            except av.FFmpegError as error:
                self.end_error = error.strerror or str(error)
                break
            is_flush = packet.size == 0 and packet.dts is None
            if packet.stream_index == self._stream.index and not is_flush:
                yield packet
        yield None

    def stored_pts(self, picture: Picture) -> int | None:
        """Return the presentation time that the file holds, in time base units; None where it holds none.

        AVI stores decoding times only, and FFmpeg's guess from them is wrong around B-frames; the decoding time of
        the packet that released a picture is what the ffmpeg command uses.
        """
        if self._has_stored_pts and picture.pts is not None:
            return picture.pts
        return picture.dts if picture.dts is not None else picture.pts

    def rgb(self, picture: Picture) -> NDArray[np.uint8]:
        """Return the upright (H, W, 3) RGB picture, full range, of `size`."""
        if self.size is None:
            self.size = (picture.width, picture.height)
        return self._orientation_of(picture).apply(self._converted(picture, "rgb24", self.size))

    def grey(self, picture: Picture, size: tuple[int, int]) -> NDArray[np.uint8]:
        """Return an upright (H, W) grey thumbnail; `size` is (width, height) before rotation."""
        return self._orientation_of(picture).apply(self._converted(picture, "gray", size)[:, :, 0])

    def _converted(self, picture: Picture, layout: str, size: tuple[int, int]) -> NDArray[np.uint8]:
        """Return the (H, W, C) picture as stored (not upright); `size` is (width, height)."""
        width, height = size
        if any(plane.line_size < 0 for plane in picture.planes):  # stored bottom-up: PyAV cannot view such planes
            picture = self._reformatter.reformat(picture, format="bgr24" if layout == "rgb24" else "rgb24")
        made = self._reformatter.reformat(
            picture, width=width, height=height, format=layout, interpolation=_INTERPOLATION[layout]
        )
        plane, channels = made.planes[0], _CHANNELS[layout]
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(height, plane.line_size)
        return np.ascontiguousarray(rows[:, : width * channels]).reshape(height, width, channels)

    def _orientation_of(self, picture: Picture) -> Orientation:
        if self._orientation is None:
            try:
                matrix = picture.side_data["DISPLAYMATRIX"]  # type: ignore[typeddict-item]
                self._orientation = orientation_of_matrix(np.frombuffer(matrix, np.int32).tolist())
            except KeyError:
                self._orientation = Orientation()
            except ValueError:  # a kind of side data that this PyAV has no name for hides the others
                self._orientation = orientation_of_turn(picture.rotation)
        return self._orientation


def digest(picture: Picture) -> int:
    """Return the xxh3-64 hash of a picture's planes, rows without padding, first plane first."""
    state = xxhash.xxh3_64()
    if any(plane.line_size < 0 for plane in picture.planes):
        picture = picture.reformat(format="bgr24" if picture.format.name == "rgb24" else "rgb24")
    layout = picture.format
    for index, plane in enumerate(picture.planes):
        row = _row_bytes(picture, index)
        if row >= plane.line_size or layout.has_palette:
            state.update(plane)
        else:
            rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
            state.update(rows[:, :row].tobytes())
    return state.intdigest()


def _row_bytes(picture: Picture, index: int) -> int:
    """Return the bytes of one row of plane `index` that hold picture."""
    layout = picture.format
    if len(picture.planes) == 1:
        return -(-picture.width * layout.padded_bits_per_pixel // 8)
    return sum(part.width * -(-part.bits // 8) for part in layout.components if part.plane == index)


def byte_size(picture: Picture) -> int:
    """Return the bytes that a decoded picture holds, rows with padding."""
    return sum(plane.buffer_size for plane in picture.planes)


class Step(NamedTuple):
    """One decoded picture and its place in the video."""

    ordinal: int
    picture: Picture
    """As stored; identity and digest are about this one."""
    shown: Picture
    """The same, or its de-interlaced form."""


def deinterlaced(pictures: Iterable[tuple[int, Picture]]) -> Iterator[Step]:
    """Yield the same pictures, interlaced ones filtered with yadif, one out for one in.

    A result depends on the picture before and after only. So the first picture of a stream that starts later than
    frame 0 serves as neighbour and is not yielded, and results are the same wherever a stream starts.
    """
    first: int | None = None
    graph: Graph | None = None
    waiting: deque[tuple[int, Picture]] = deque()
    for ordinal, picture in pictures:
        if graph is None:
            first, graph = ordinal, _yadif(picture)
        waiting.append((ordinal, picture))
        graph.vpush(picture)
        yield from (step for step in _pulled(graph, waiting) if step.ordinal != first or first == 0)
    if graph is not None:
        graph.vpush(None)
        yield from (step for step in _pulled(graph, waiting) if step.ordinal != first or first == 0)


def _yadif(picture: Picture) -> Graph:
    graph = Graph()
    source = graph.add_buffer(
        width=picture.width, height=picture.height, format=picture.format, time_base=Fraction(1, 1000)
    )
    graph.link_nodes(source, graph.add("yadif", "mode=send_frame:deint=interlaced"), graph.add("buffersink"))
    graph.configure()
    return graph


def _pulled(graph: Graph, waiting: deque[tuple[int, Picture]]) -> Iterator[Step]:
    while waiting:
        try:
            made = graph.vpull()
        except (av.BlockingIOError, EOFError):
            return
        yield Step(*waiting.popleft(), made)


def _reason(path: str, error: Exception) -> str:
    """Say in a few words why a file cannot be opened."""
    if Path(path).is_dir():
        return "is a folder; name its pictures with the images reader"
    if Path(path).stat().st_size == 0:
        return "the file is empty"
    text = getattr(error, "strerror", "") or str(error)
    if isinstance(error, av.InvalidDataError):
        with Path(path).open("rb") as file:
            head = file.read(64)
        if head[4:8] in (b"ftyp", b"mdat", b"free", b"wide"):
            return "the MP4 has no index (moov atom); the recording was cut off before it was finished"
        return _NOT_A_VIDEO
    return text[:1].lower() + text[1:]
