"""Stable colours: the same track or class has the same colour in every picture, page and report."""

from __future__ import annotations

import math
import zlib

_GOLDEN = 0.61803398875


def colour_of(key: int | str) -> tuple[int, int, int]:
    """Return the (red, green, blue) of a track id or class name, 0..255.

    Hues step by the golden ratio, so neighbouring ids differ most; lightness alternates between two levels, so that
    people who cannot tell hues apart still see neighbours differ (OKLCH after Ottosson 2020, chroma 0.15).
    """
    number = key if isinstance(key, int) else zlib.crc32(key.encode())
    hue = (number * _GOLDEN) % 1.0
    lightness = 0.82 if number % 2 else 0.68
    return _oklch(lightness, 0.15, hue * 2 * math.pi)


def parse_colour(text: str) -> tuple[int, int, int]:
    """Return the (red, green, blue) of "#rrggbb"."""
    value = int(text.lstrip("#"), 16)
    return value >> 16 & 255, value >> 8 & 255, value & 255


def text_colour_on(background: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return black or white, whichever is easier to read on this colour (relative luminance, ITU-R BT.709)."""
    red, green, blue = background
    return (0, 0, 0) if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 110 else (255, 255, 255)


def _oklch(lightness: float, chroma: float, hue: float) -> tuple[int, int, int]:
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    red, green, blue = (_encode(channel) for channel in linear)
    return red, green, blue


def _encode(channel: float) -> int:
    """Return a linear channel as sRGB 0..255."""
    clipped = min(max(channel, 0.0), 1.0)
    curved = 12.92 * clipped if clipped <= 0.0031308 else 1.055 * clipped ** (1 / 2.4) - 0.055
    return round(255 * curved)
