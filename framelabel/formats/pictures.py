"""Pictures beside labels: their names, and their sizes from the first bytes of the file."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

from framelabel.core.labels import Labels
from framelabel.formats.files import IMAGE_SUFFIXES
from framelabel.formats.report import LossReport


def label_stem(name: str) -> str:
    """Return a picture's name without its picture suffix, folders kept."""
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and f".{suffix.lower()}" in IMAGE_SUFFIXES else name


def with_suffix(labels: Labels, suffix: str, loss: LossReport) -> Labels:
    """Return labels whose pictures all have this suffix, for formats that store only the stem."""
    names = tuple(label_stem(name) + suffix for name in labels.frames.name)
    changed = sum(one != two for one, two in zip(names, labels.frames.name, strict=True))
    loss.add("picture name", changed, f"the file keeps the stem only; read back as {suffix}")
    return replace(labels, frames=replace(labels.frames, name=names))


def picture_size(path: Path) -> tuple[int, int]:
    """Return (width, height) as the header of a PNG, JPEG, BMP, GIF or WebP says; (0, 0) when it does not."""
    try:
        with path.open("rb") as file:
            head = file.read(1 << 18)
        return _size_of(head)
    except (OSError, struct.error, IndexError):
        return 0, 0


def _size_of(head: bytes) -> tuple[int, int]:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        width, height = struct.unpack(">II", head[16:24])
        return int(width), int(height)
    if head.startswith(b"\xff\xd8"):
        return _jpeg_size(head)
    if head.startswith(b"BM"):
        width, height = struct.unpack("<ii", head[18:26])
        return int(width), abs(int(height))
    if head.startswith((b"GIF87a", b"GIF89a")):
        width, height = struct.unpack("<HH", head[6:10])
        return int(width), int(height)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp_size(head)
    return 0, 0


def _jpeg_size(head: bytes) -> tuple[int, int]:
    """Walk the segments to the frame header; EXIF rotation is not applied, as trainers' label files expect."""
    at = 2
    while at + 9 < len(head):
        if head[at] != 0xFF:
            return 0, 0
        marker = head[at + 1]
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", head[at + 5 : at + 9])
            return int(width), int(height)
        else:
            at += 2 + int(struct.unpack(">H", head[at + 2 : at + 4])[0])
    return 0, 0


def _webp_size(head: bytes) -> tuple[int, int]:
    kind = head[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + ((bits >> 14) & 0x3FFF)
    width, height = struct.unpack("<HH", head[26:30])
    return int(width) & 0x3FFF, int(height) & 0x3FFF


def find_picture(folder: Path, stem: str) -> Path | None:
    """Return the picture with this stem in a folder; None when there is none."""
    for suffix in IMAGE_SUFFIXES:
        for spelled in (suffix, suffix.upper()):
            path = folder / f"{stem}{spelled}"
            if path.is_file():
                return path
    return None
