"""Facts about video files, each with its origin: the header's claim, or what decoding every picture showed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framelabel.core.config import setting
from framelabel.core.errors import FramelabelError
from framelabel.core.protocols import SILENT, Reporter
from framelabel.media import describe, scan
from framelabel.media.facts import ContentFacts, HeaderFacts


@dataclass(frozen=True, slots=True)
class ProbeConfig:
    """What to look at."""

    files: tuple[Path, ...] = setting(
        help="Video files, folders of pictures, or globs.", argument=True, metavar="FILE..."
    )
    json: bool = setting(False, help="Print JSON: one object for one file, a list for several.")
    content: bool = setting(True, help="Decode every picture; without it only the header is read.")


@dataclass(frozen=True, slots=True)
class Probe:
    """One file's facts, or why there are none."""

    path: Path
    header: HeaderFacts | None = None
    content: ContentFacts | None = None
    error: str = ""

    def facts(self) -> dict[str, Any]:
        """Return everything known as JSON values; names end in `_from_header` or `_from_content` where both exist."""
        if self.header is None:
            return {"path": str(self.path), "error": self.error}
        return _header_facts(self.header) | (_content_facts(self.header, self.content) if self.content else {})


def run(config: ProbeConfig, report: Reporter = SILENT) -> list[Probe]:
    """Look at every file; one that cannot be read does not stop the others."""
    return [_probe(path, config, report) for path in config.files]


def _probe(path: Path, config: ProbeConfig, report: Reporter) -> Probe:
    try:
        if not config.content:
            return Probe(path, describe(path))
        header, content = scan(path, report)
    except FramelabelError as error:
        return Probe(path, error=str(error))
    return Probe(path, header, content)


def _header_facts(header: HeaderFacts) -> dict[str, Any]:
    width, height = header.size
    return {
        "path": header.path,
        "container": header.container,
        "codec": header.codec,
        "profile": header.profile,
        "width": width,
        "height": height,
        "coded_width": header.coded_width,
        "coded_height": header.coded_height,
        "rotation": header.orientation.degrees,
        "is_mirrored": header.orientation.is_mirrored,
        "sample_aspect_ratio": str(header.sample_aspect_ratio),
        "pixel_format": header.pixel_format,
        "bit_depth": header.bit_depth,
        "has_alpha": header.has_alpha,
        "colour_range": header.colour_range,
        "colour_space": header.colour_space,
        "time_base": str(header.time_base),
        "start_pts_from_header": header.start_pts_from_header,
        "frame_count_from_header": header.frame_count_from_header,
        "fps_from_header": float(header.fps_from_header),
        "frame_rate_from_header": str(header.fps_from_header),
        "duration_s_from_header": header.duration_s_from_header,
        "audio_streams": header.audio_streams,
        "byte_size": header.byte_size,
    }


def _content_facts(header: HeaderFacts, content: ContentFacts) -> dict[str, Any]:
    index = content.index
    rate = index.average_fps()
    start, stop = content.readable
    return {
        "start_pts": int(index.pts[0]),
        "start_pts_from_content": int(index.pts[0]),
        "frame_count_from_content": content.frame_count,
        "fps": float(rate or header.fps_from_header),
        "fps_from_content": float(rate),
        "frame_rate_from_content": str(rate),
        "duration_s_from_content": float((int(index.pts[-1]) - int(index.pts[0])) * index.time_base),
        "is_vfr": content.is_vfr,
        "sync_frame_count": int(index.is_sync.sum()),
        "interlaced": content.interlaced_count > 0,
        "interlaced_frame_count": content.interlaced_count,
        "corrupt_frame_count": content.corrupt_count,
        "repaired_pts_count": content.repaired_pts_count,
        "undecodable_packet_count": content.failed_packets,
        "damaged": content.first_damage >= 0,
        "damage": content.damage(header.frame_count_from_header),
        "readable_frames": [start, stop],
    }
