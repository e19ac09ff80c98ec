"""What a plugin.yaml may say. Unknown keys are errors at every level, with the nearest known key and the line."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator, model_validator

from framelabel.core.catalog import did_you_mean
from framelabel.core.errors import InvalidManifestError
from framelabel.core.ontology import AttributeSpec, AttributeValue, ClassSpec, Ontology
from framelabel.plugins.yaml_lines import Document, Location

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Point = tuple[Share, Share]
"""x, y as fractions of the frame."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Attribute(_Section):
    """One attribute of a class or of a frame."""

    values: tuple[AttributeValue, ...] = ()
    """Allowed values; empty when free."""
    default: AttributeValue | None = None
    mutable: bool = True
    """May change from frame to frame within a track."""
    by_area: tuple[Share, ...] = ()
    """Shares of the picture at which the next value begins: the value then follows from the object's area."""

    @model_validator(mode="after")
    def _edges(self) -> Attribute:
        if self.by_area and len(self.by_area) != len(self.values) - 1:
            msg = f"by_area needs one number fewer than values: {len(self.values) - 1}, got {len(self.by_area)}"
            raise ValueError(msg)
        if list(self.by_area) != sorted(set(self.by_area)):
            msg = "by_area must increase"
            raise ValueError(msg)
        return self


class LabelClass(_Section):
    """One class, in the order of its id."""

    name: str = Field(min_length=1)
    supercategory: str = ""
    colour: str = Field(default="", pattern=r"^(#[0-9a-fA-F]{6})?$")
    attributes: Mapping[str, Attribute] = Field(default_factory=dict)
    model_index: int | tuple[int, ...] | None = None
    """The model's own number(s) for this class, where it knows more classes than are named here."""

    @property
    def model_numbers(self) -> tuple[int, ...]:
        """The model's numbers for this class; () when it is numbered as it stands."""
        if self.model_index is None:
            return ()
        return (self.model_index,) if isinstance(self.model_index, int) else self.model_index


class ModelInput(_Section):
    """What the model wants to see: `(pixel * scale - mean) / std`."""

    size: tuple[int, int] = (0, 0)
    """[width, height]; left out for models whose file says it."""
    resize: Literal["letterbox", "letterbox_centred", "stretch", "crop"] = "letterbox"
    colour: Literal["rgb", "bgr", "grey", "pair"] = "rgb"
    """pair: the model compares: difference to a golden template, the template, and the picture, all grey."""
    scale: float = Field(default=1.0, gt=0)
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    pad: float = Field(default=114.0, ge=0, le=255)
    layout: Literal["nchw", "nhwc"] = "nchw"
    padding: Literal["full", "least"] = "full"
    """least: leave out the letterbox padding that wide pictures do not need, where the model proves to allow it."""
    multiple: int = Field(default=32, ge=1)
    """The least padding rounds up to this many pixels."""

    @model_validator(mode="after")
    def _channels(self) -> ModelInput:
        count = 1 if self.colour == "grey" else 3
        for name, values in (("mean", self.mean), ("std", self.std)):
            if values and len(values) != count:
                msg = f"{name} needs {count} values for colour {self.colour}, got {len(values)}"
                raise ValueError(msg)
        if any(value <= 0 for value in self.std):
            msg = "std must be above 0"
            raise ValueError(msg)
        return self


class Tiles(_Section):
    """Cut the picture into overlapping tiles, for small objects."""

    size: int = Field(default=640, ge=32)
    overlap: float = Field(default=0.2, ge=0, lt=0.9)
    whole: bool = True


class Model(_Section):
    """The ONNX file and how to feed and read it."""

    file: str = ""
    """Path below the plugin's folder."""
    digest: str = Field(default="", pattern=r"^(sha256:[0-9a-f]{64})?$")
    of_plugin: str = ""
    """Take file, digest and url from this plugin instead."""
    licence: str = ""
    source: str = ""
    url: str = ""
    input: ModelInput = ModelInput()
    decoder: str
    decoder_options: Mapping[str, Any] = Field(default_factory=dict)
    score_threshold: Share = 0.1
    class_thresholds: Mapping[str, Share] = Field(default_factory=dict)
    nms_iou: Share | None = None
    nms_cross_class_iou: Share = 1.0
    tiles: Tiles | None = None
    views: tuple[Literal["mirror", "flip", "near"], ...] = ()
    """Further views in which every picture is seen; the boxes of all are fused."""
    template: str = ""
    """Path below the plugin's folder of the picture that models with `colour: pair` compare with."""
    max_boxes: int = Field(default=300, ge=1)

    @model_validator(mode="after")
    def _source(self) -> Model:
        if bool(self.file) == bool(self.of_plugin):
            msg = "give either file or of_plugin"
            raise ValueError(msg)
        if self.url and not self.digest:
            msg = "url needs a digest, so that what arrives can be checked"
            raise ValueError(msg)
        if "githubusercontent.com" in self.url and not re.search(r"/[0-9a-f]{40}/", self.url):
            msg = "url must name a commit (40 hex digits), not a branch that moves"
            raise ValueError(msg)
        return self

    @field_validator("file", "template")
    @classmethod
    def _inside(cls, file: str) -> str:
        return _below_the_folder(file)


class Tracker(_Section):
    """Which tracker links detections."""

    name: str = "offline"
    options: Mapping[str, Any] = Field(default_factory=dict)


class Zone(_Section):
    """An area or a line of the frame."""

    name: str = Field(min_length=1)
    polygon: tuple[Point, ...] = ()
    line: tuple[Point, ...] = ()
    anchor: Literal["bottom_center", "center", "top_center", "left_center", "right_center"] = "bottom_center"
    """Which point of a box must be inside."""
    frame: int = Field(default=0, ge=0)
    """Frame ordinal in whose picture it was drawn; matters on a moving camera only."""

    @model_validator(mode="after")
    def _form(self) -> Zone:
        if bool(self.polygon) == bool(self.line):
            msg = "give either polygon or line"
            raise ValueError(msg)
        if (self.polygon and len(self.polygon) < 3) or (self.line and len(self.line) < 2):
            msg = "a polygon needs 3 points, a line 2"
            raise ValueError(msg)
        return self


class Review(_Section):
    """What goes to people."""

    accept_at: Share = 0.85
    drop_below: Share = 0.0
    audit_share: Share = 0.02
    answers_per_task: int = Field(default=1, ge=1)
    consensus: str = "majority"

    @model_validator(mode="after")
    def _order(self) -> Review:
        if self.drop_below > self.accept_at:
            msg = f"drop_below {self.drop_below} is above accept_at {self.accept_at}"
            raise ValueError(msg)
        return self


class Sample(_Section):
    """A picture or clip with the boxes that the plugin must find in it."""

    media: str
    expected: str
    template: str = ""
    """The golden template of this picture, for models that compare; the plugin's own when not given."""

    @field_validator("expected")
    @classmethod
    def _inside(cls, file: str) -> str:
        # `plugins test --accept` writes it
        return _below_the_folder(file)


class Manifest(_Section):
    """A whole plugin.yaml."""

    schema_version: Literal[1]
    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    title: str = ""
    description: str = ""
    classes: tuple[LabelClass, ...] = Field(min_length=1)
    frame_attributes: Mapping[str, Attribute] = Field(default_factory=dict)
    model: Model
    tracker: Tracker = Tracker()
    zones: tuple[Zone, ...] = ()
    camera: Literal["fixed", "moving"] = "fixed"
    """moving: zones, lines and speeds are taken on the ground, by the camera's estimated motion."""
    recognise: tuple[Mapping[str, Any], ...] = ()
    """What is read off the pixels of tracked objects: `kind` of each recogniser and its options."""
    rules: tuple[Mapping[str, Any], ...] = ()
    review: Review = Review()
    hook: str = Field(default="", pattern=r"^([A-Za-z0-9_]+\.py:[A-Za-z_][A-Za-z0-9_]*)?$")
    samples: tuple[Sample, ...] = ()
    _folder: Path = PrivateAttr(default=Path())

    @field_validator("classes")
    @classmethod
    def _one_numbering(cls, classes: tuple[LabelClass, ...]) -> tuple[LabelClass, ...]:
        numbered = [entry.model_index is not None for entry in classes]
        if any(numbered) and not all(numbered):
            missing = classes[numbered.index(False)].name
            msg = f"class '{missing}' has no model_index while others have one; give it to all or to none"
            raise ValueError(msg)
        return classes

    @property
    def folder(self) -> Path:
        """The plugin's folder."""
        return self._folder

    def placed(self, folder: Path) -> Manifest:
        """Return this manifest as the one of `folder`."""
        copy = self.model_copy()
        copy._folder = folder  # noqa: SLF001 - its own
        return copy

    def ontology(self) -> Ontology:
        """Return the classes and frame attributes as core types."""
        classes = tuple(
            ClassSpec(entry.name, entry.supercategory, entry.colour, _attributes(entry.attributes))
            for entry in self.classes
        )
        return Ontology(classes, _attributes(self.frame_attributes))


def _below_the_folder(file: str) -> str:
    if Path(file).is_absolute() or ".." in Path(file).parts:
        msg = f"'{file}' must lie below the plugin's folder"
        raise ValueError(msg)
    return file


def _attributes(entries: Mapping[str, Attribute]) -> tuple[AttributeSpec, ...]:
    return tuple(AttributeSpec(name, entry.values, entry.default, entry.mutable) for name, entry in entries.items())


def check(document: Document) -> Manifest:
    """Return the manifest of a parsed plugin.yaml. Runs no plugin code and opens no other file.

    Raises:
        InvalidManifestError: what is wrong first, with file and line.
    """
    if not isinstance(document.values, Mapping):
        msg = f"{document.name}:1: a manifest is a mapping of keys; start with 'schema_version: 1'"
        raise InvalidManifestError(msg)
    try:
        manifest = Manifest.model_validate(document.values)
    except ValidationError as error:
        raise InvalidManifestError(_explain(error, document)) from None
    for location, message in cross_problems(manifest):
        msg = f"{document.where(location)}: {message}"
        raise InvalidManifestError(msg)
    return manifest


def cross_problems(manifest: Manifest) -> Iterator[tuple[Location, str]]:
    """Yield where names do not meet: doubled classes or zones, thresholds of unknown classes, bad defaults."""
    names = [entry.name for entry in manifest.classes]
    for kind, found in (("classes", names), ("zones", [zone.name for zone in manifest.zones])):
        for index, name in enumerate(found):
            if name in found[:index]:
                yield (kind, index), f"{kind[:-2] if kind == 'classes' else 'zone'} '{name}' is named twice"
    if manifest.model.template and manifest.model.input.colour != "pair":
        yield ("model", "template"), "template needs input.colour: pair, a model that compares"
    for name in manifest.model.class_thresholds:
        if name not in names:
            yield ("model", "class_thresholds", name), f"unknown class '{name}'.{did_you_mean(name, names)}"
    for index, entry in enumerate(manifest.classes):
        for key, attribute in entry.attributes.items():
            if attribute.values and attribute.default is not None and attribute.default not in attribute.values:
                location: Location = ("classes", index, "attributes", key)
                yield location, f"default '{attribute.default}' of attribute '{key}' is not one of its values"
    used = [number for entry in manifest.classes for number in entry.model_numbers]
    for index, entry in enumerate(manifest.classes):
        for number in entry.model_numbers:
            if number < 0 or used.count(number) > 1:
                reason = "is negative" if number < 0 else "is given to two classes"
                yield ("classes", index, "model_index"), f"model_index {number} {reason}"


def _explain(error: ValidationError, document: Document) -> str:
    """Return the first problem as one line with its place; unknown keys come before what follows from them."""
    problems = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    problem = problems[0]
    location = tuple(part for part in problem["loc"] if not _is_branch(part))
    where = document.where(location)
    key = location[-1] if location else "manifest"
    if problem["type"] == "extra_forbidden":
        known = known_keys(location[:-1])
        inside = f" in {location[-2]}" if len(location) > 1 and isinstance(location[-2], str) else ""
        return f"{where}: unknown key '{key}'{inside}.{did_you_mean(str(key), known)}"
    if problem["type"] == "missing":
        return f"{where}: '{key}' is missing"
    message = problem["msg"].removeprefix("Value error, ")
    named = ".".join(str(part) for part in location)
    shown = "" if problem["type"] == "value_error" else f" (got {problem['input']!r})"
    return f"{where}: {named}: {message}{shown}" if named else f"{where}: {message}{shown}"


def _is_branch(part: object) -> bool:
    """Tell pydantic's names of union branches (`int`, `tuple[int, ...]`) from keys."""
    return isinstance(part, str) and (part in ("int", "float", "str", "bool") or part.startswith(("tuple[", "list[")))


def known_keys(location: Location) -> tuple[str, ...]:
    """Return the keys that the schema knows at a place of the manifest."""
    kind: Any = Manifest
    for part in location:
        kind = _step(kind, part)
    section = _section_of(kind)
    return tuple(section.model_fields) if section is not None else ()


def _step(kind: Any, part: str | int) -> Any:
    section = _section_of(kind)
    if section is not None and isinstance(part, str):
        field = section.model_fields.get(part)
        return field.annotation if field is not None else None
    arguments = [argument for argument in typing.get_args(kind) if argument is not Ellipsis]
    return arguments[-1] if arguments else None


def _section_of(kind: Any) -> type[_Section] | None:
    if isinstance(kind, type) and issubclass(kind, _Section):
        return kind
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        found = (_section_of(argument) for argument in typing.get_args(kind))
        return next((section for section in found if section is not None), None)
    return None
