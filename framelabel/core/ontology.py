"""What can be labelled: classes in a fixed order, their attributes, and lookup with "did you mean"."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from framelabel.core.catalog import did_you_mean
from framelabel.core.errors import UnknownNameError

AttributeValue = str | int | float | bool


@dataclass(frozen=True, slots=True)
class AttributeSpec:
    """One attribute of a class (or of a frame)."""

    name: str
    values: tuple[AttributeValue, ...] = ()
    """Allowed values; empty when free."""
    default: AttributeValue | None = None
    mutable: bool = True
    """May change from frame to frame within a track."""


@dataclass(frozen=True, slots=True)
class ClassSpec:
    """One class."""

    name: str
    supercategory: str = ""
    colour: str = ""
    """"#rrggbb"; "" picks one from the class's name."""
    attributes: tuple[AttributeSpec, ...] = ()
    keypoints: tuple[str, ...] = ()
    """Names of the joints in the order of a label's points; empty when nobody named them."""
    skeleton: tuple[tuple[int, int], ...] = ()
    """Joints that a line connects: pairs of places in `keypoints`, from 0."""


@dataclass(frozen=True, slots=True)
class Ontology:
    """All classes of a plugin or data set; a class id is its row."""

    classes: tuple[ClassSpec, ...]
    frame_attributes: tuple[AttributeSpec, ...] = ()
    _rows: dict[str, int] = field(init=False, repr=False, compare=False, hash=False, default_factory=dict)

    def __post_init__(self) -> None:
        for row, spec in enumerate(self.classes):
            if spec.name in self._rows:
                msg = f"class '{spec.name}' is named twice"
                raise ValueError(msg)
            self._rows[spec.name] = row

    @staticmethod
    def of(names: Iterable[str]) -> Ontology:
        """Make an ontology from class names alone."""
        return Ontology(tuple(ClassSpec(name) for name in names))

    def __len__(self) -> int:
        return len(self.classes)

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    @property
    def names(self) -> tuple[str, ...]:
        """Class names by id."""
        return tuple(spec.name for spec in self.classes)

    def id_of(self, name: str) -> int:
        """Return the class id of a name.

        Raises:
            UnknownNameError: no such class; the message holds the nearest one.
        """
        row = self._rows.get(name)
        if row is None:
            msg = f"unknown class '{name}'.{did_you_mean(name, self._rows)}"
            raise UnknownNameError(msg)
        return row

    def merged(self, other: Ontology) -> Ontology:
        """Return this ontology followed by the classes of `other` that it lacks; ids of this one stay valid.

        A class of both whose joints only `other` names gets their names.
        """
        own = tuple(_with_joints(spec, other) for spec in self.classes)
        added = tuple(spec for spec in other.classes if spec.name not in self._rows)
        known = {spec.name for spec in self.frame_attributes}
        tags = tuple(spec for spec in other.frame_attributes if spec.name not in known)
        return Ontology(own + added, self.frame_attributes + tags)


def _with_joints(spec: ClassSpec, other: Ontology) -> ClassSpec:
    if spec.keypoints or spec.name not in other:
        return spec
    named = other.classes[other.id_of(spec.name)]
    return replace(spec, keypoints=named.keypoints, skeleton=named.skeleton)
