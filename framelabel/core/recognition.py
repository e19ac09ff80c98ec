"""What was read off the pixels of a clip beyond boxes: attributes of tracked objects, tags of frames, codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from framelabel.core.labels import Flag
from framelabel.core.ontology import AttributeValue
from framelabel.core.shapes import Shape
from framelabel.core.tracks import Track

Place = tuple[int, int]
"""Track id and frame ordinal: one label."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """Facts about labels of tracks and about frames. Everything is sparse: what is not listed is not known."""

    of_tracks: Mapping[int, Mapping[str, AttributeValue]] = field(default_factory=lambda: MappingProxyType({}))
    """Attributes that a track has in all its labels, by track id."""
    attributes: Mapping[Place, Mapping[str, AttributeValue]] = field(default_factory=lambda: MappingProxyType({}))
    flags: Mapping[Place, Flag] = field(default_factory=lambda: MappingProxyType({}))
    """Occluded, truncated."""
    shapes: Mapping[Place, Shape] = field(default_factory=lambda: MappingProxyType({}))
    tags: Mapping[int, Mapping[str, AttributeValue]] = field(default_factory=lambda: MappingProxyType({}))
    """Whole-frame tags by frame ordinal."""
    tracks: tuple[Track, ...] = ()
    """Objects that no detector had found, such as codes."""

    @staticmethod
    def joined(parts: Iterable[Recognition]) -> Recognition:
        """Put several together; of two values of one attribute the later stands, flags add up."""
        of_tracks: dict[int, Mapping[str, AttributeValue]] = {}
        attributes: dict[Place, Mapping[str, AttributeValue]] = {}
        flags: dict[Place, Flag] = {}
        shapes: dict[Place, Shape] = {}
        tags: dict[int, Mapping[str, AttributeValue]] = {}
        tracks: list[Track] = []
        for part in parts:
            for track_id, values in part.of_tracks.items():
                of_tracks[track_id] = {**of_tracks.get(track_id, {}), **values}
            for place, values in part.attributes.items():
                attributes[place] = {**attributes.get(place, {}), **values}
            for place, flag in part.flags.items():
                flags[place] = flags.get(place, Flag.NONE) | flag
            for frame, values in part.tags.items():
                tags[frame] = {**tags.get(frame, {}), **values}
            shapes.update(part.shapes)
            tracks.extend(part.tracks)
        return Recognition(of_tracks, attributes, flags, shapes, tags, tuple(tracks))


NOTHING = Recognition()
"""Nothing was read."""
