"""Pictures in, boxes out: preprocessing, model, decoder, tiles and suppression of one model put together."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK, Boxes
from framelabel.core.catalog import options_of
from framelabel.core.config import build
from framelabel.core.errors import ModelMismatchError
from framelabel.core.frames import Frame
from framelabel.core.geometry import clip
from framelabel.core.protocols import SILENT, Reporter
from framelabel.core.shapes import Mask, Shape
from framelabel.inference.decoders.candidates import Candidates, Decoder, Outputs
from framelabel.inference.decoders.catalog import DECODERS
from framelabel.inference.masks import union
from framelabel.inference.preprocess import Canvas, InputOptions, Placement, Preprocessor
from framelabel.inference.session import Session, read_shapes, usable_cores
from framelabel.inference.suppression import suppress
from framelabel.inference.tiling import TileOptions, merge_across_seams, tile_windows
from framelabel.streaming.batching import batched
from framelabel.streaming.ordered import ordered_map

_LEAST_SIDE_PX = 1e-3


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything about a model that its file does not say."""

    input: InputOptions
    """A size of (0, 0) takes the model's own."""
    decoder: str
    """A name of `DECODERS`."""
    class_count: int
    """Classes of the ontology."""
    model_index: tuple[tuple[int, ...], ...] = ()
    """For each ontology class the model classes that mean it; () when both are numbered alike."""
    score_threshold: tuple[float, ...] = ()
    """By ontology class; () is 0.1 for all."""
    decoder_options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    nms_iou: float | None = None
    """None takes the decoder's own."""
    nms_cross_class_iou: float = 1.0
    """Overlap from which boxes of different classes are one object, the better one kept; 1 for never."""
    tiles: TileOptions | None = None
    max_boxes: int = 300
    """Most boxes of one picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What a model says about one picture."""

    boxes: Boxes
    """Picture pixels, best score first."""
    shapes: Mapping[int, Shape]
    """Exact geometry by row of `boxes`, from models that give it."""
    tags: Mapping[int, float]
    """Class id -> score of the whole picture, from classifiers."""


class OnnxDetector:
    """A `Detector` over an ONNX file. The same picture gives the same bytes, however many workers or pictures at once.

    Safe to call from several threads. `device` says what is really used.
    """

    def __init__(
        self,
        path: Path,
        recipe: Recipe,
        *,
        device: str = "auto",
        workers: int = 0,
        batch: int = 0,
        reporter: Reporter = SILENT,
    ) -> None:
        """Load the model, run it once on a grey picture and check that its outputs fit the recipe.

        Args:
            path: the ONNX file.
            recipe: how to feed and read it.
            device: one of `framelabel.inference.session.DEVICES`.
            workers: pictures in work at the same time in a stream; 0 is one for each core (two on an accelerator).
            batch: most pictures in one call where the model allows it; 0 chooses.
            reporter: hears when the device runs out of memory.

        Raises:
            ModelMismatchError: inputs, outputs or classes are not what the recipe says.
            DeviceUnavailableError: the device asked for is not usable here.
        """
        self.session = Session(path, device=device, batch=batch, reporter=reporter)
        self.workers = workers or (usable_cores() if self.session.device == "cpu" else 2)
        self.recipe = replace(recipe, input=replace(recipe.input, size=input_size(self.session, recipe.input)))
        self._preprocessor = Preprocessor(self.recipe.input, self.session.inputs[0].dtype)
        entry = DECODERS.load(recipe.decoder)
        options: Any = build(options_of(entry), recipe.decoder_options, f"decoder_options of '{recipe.decoder}'")
        self._decoder: Decoder = entry(options, input_size=self.recipe.input.size)
        self._nms_iou = self._decoder.default_nms_iou if recipe.nms_iou is None else recipe.nms_iou
        self._local = threading.local()
        self._class_row, self._thresholds = self._class_table(self._probe())

    @property
    def device(self) -> str:
        """The device in use, read back from the session."""
        return self.session.device

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> list[Boxes]:
        """Return the boxes of each (H, W, 3) RGB picture, in picture pixels, best score first."""
        return [findings.boxes for findings in self.find(images)]

    def find(self, images: Sequence[NDArray[np.uint8]]) -> list[Findings]:
        """Return boxes, shapes and tags of each (H, W, 3) RGB picture."""
        views: list[tuple[int, NDArray[np.uint8], NDArray[np.float64]]] = []
        for number, image in enumerate(images):
            size = (image.shape[1], image.shape[0])
            for window in self._windows(size):
                left, top, right, bottom = (int(edge) for edge in window)
                views.append((number, image[top:bottom, left:right], window))
        seen: list[list[_View]] = [[] for _ in images]
        for group in batched(views, self.session.max_batch):
            pictures = [image for _, image, _ in group]
            for (number, _, window), (candidates, placement) in zip(group, self._look(pictures), strict=True):
                size = (images[number].shape[1], images[number].shape[0])
                seen[number].append(_View(candidates, _shifted(placement, window, size), window))
        return [self._settle(parts) for parts in seen]

    def detect_stream(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, Boxes]]:
        """Yield every frame with its boxes, in order; `workers` threads work ahead by a few frames."""
        for frame, findings in self.find_stream(frames):
            yield frame, findings.boxes

    def find_stream(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, Findings]]:
        """Yield every frame with its findings, in order; `workers` threads work ahead by a few frames."""

        def work(group: list[Frame]) -> list[tuple[Frame, Findings]]:
            return list(zip(group, self.find([frame.image for frame in group]), strict=True))

        groups = batched(frames, 1 if self.recipe.tiles else self.session.max_batch)
        for done in ordered_map(work, groups, workers=self.workers, name="detect"):
            yield from done

    def raw_outputs(self, image: NDArray[np.uint8]) -> Outputs:
        """Return the model's outputs for one picture as they are, for inspection."""
        canvas = self._preprocessor.canvas(1)
        self._preprocessor.write(image, canvas, 0)
        return self.session.run(canvas.batch, self._sizes(1))[0]

    def _windows(self, size: tuple[int, int]) -> NDArray[np.float64]:
        if self.recipe.tiles is None:
            return np.array([[0, 0, *size]], np.float64)
        return tile_windows(size, self.recipe.tiles)

    def _look(self, images: Sequence[NDArray[np.uint8]]) -> list[tuple[Candidates, Placement]]:
        """Run the model on pictures that fit one batch."""
        canvas = self._own_canvas(len(images))
        placements = [self._preprocessor.write(image, canvas, row) for row, image in enumerate(images)]
        outputs = self.session.run(canvas.batch, self._sizes(len(images)))
        return [
            (self._decoder(output, self._thresholds), place) for output, place in zip(outputs, placements, strict=True)
        ]

    def _settle(self, views: Sequence[_View]) -> Findings:
        """Put the views of one picture together: map back, join across seams, suppress, clip."""
        size = views[0].placement.size
        xyxy = np.concatenate([view.placement.to_picture(view.candidates.xyxy) for view in views])
        score = np.concatenate([view.candidates.score for view in views])
        class_id = self._class_row[np.concatenate([view.candidates.class_id for view in views])]
        counts = [len(view.candidates.score) for view in views]
        members: list[NDArray[np.int64]] | None = None
        if len(views) > 1:
            window_of = np.repeat(np.arange(len(views)), counts)
            windows = np.stack([view.window for view in views])
            merged = merge_across_seams(xyxy, score, class_id, window_of=window_of, windows=windows, size=size)
            xyxy, score, class_id, members = merged.xyxy, merged.score, merged.class_id, merged.members
        xyxy = clip(xyxy, size)
        if self._nms_iou < 1.0 or len(views) > 1:
            limit = min(self._nms_iou, 0.7) if len(views) > 1 else self._nms_iou
            kept = suppress(xyxy, score, class_id, limit, cross_class_iou=self.recipe.nms_cross_class_iou)
        else:
            kept = np.argsort(-score, kind="stable")
        sides = xyxy[kept, 2:] - xyxy[kept, :2]
        kept = kept[(sides > _LEAST_SIDE_PX).all(axis=1)][: self.recipe.max_boxes]
        boxes = Boxes(
            xyxy[kept],
            np.minimum(score[kept], 1.0),
            class_id[kept],
            np.full(len(kept), NO_TRACK, np.int64),
        )
        sources = [members[row] if members is not None else np.array([row]) for row in kept]
        return Findings(boxes, _draw(views, counts, sources), self._tags(views))

    def _tags(self, views: Sequence[_View]) -> Mapping[int, float]:
        tags: dict[int, float] = {}
        for view in views:
            for number, score in view.candidates.tags.items():
                row = int(self._class_row[number])
                tags[row] = max(score, tags.get(row, 0.0))
        return tags

    def _own_canvas(self, count: int) -> Canvas:
        """Return this thread's canvas for `count` pictures, with what the last call left in it."""
        canvases: dict[int, Canvas] = self._local.__dict__.setdefault("canvases", {})
        if count not in canvases:
            canvases[count] = self._preprocessor.canvas(count)
        return canvases[count]

    def _sizes(self, count: int) -> NDArray[np.int64] | None:
        """Return the model input's own size for models with a size input, so that their boxes come in input pixels."""
        if len(self.session.inputs) < 2:
            return None
        return np.tile(np.array(self.recipe.input.size, np.int64), (count, 1))

    def _probe(self) -> int:
        """Run a grey picture; return the number of classes that the outputs hold (0: they do not say)."""
        width, height = self.recipe.input.size
        grey = np.full((height, width, 3), 114, np.uint8)
        try:
            outputs = self.raw_outputs(grey)
        except ModelMismatchError:
            raise
        except Exception as error:
            shapes = read_shapes(self.session.inputs)
            reason = " ".join(str(error).split())[:160]
            msg = f"{self.session.path.name}: the model rejects its input ({shapes}, fed {width}x{height}): {reason}"
            raise ModelMismatchError(msg) from error
        return self._decoder.class_count(outputs)

    def _class_table(self, count: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return model class -> ontology row (-1 unwanted) and its score threshold (infinite where unwanted)."""
        rows = self.recipe.class_count
        index = self.recipe.model_index or tuple((row,) for row in range(rows))
        if count and not self.recipe.model_index and rows != count:
            msg = (
                f"{self.session.path.name}: the model has {count} classes, the manifest names {rows}: name all of them "
                "in the model's order, or give each class its model_index"
            )
            raise ModelMismatchError(msg)
        highest = max((number for numbers in index for number in numbers), default=0)
        if count and highest >= count:
            msg = f"{self.session.path.name}: model_index {highest} does not exist; the model has {count} classes"
            raise ModelMismatchError(msg)
        total = count or highest + 1
        row_of, limit = np.full(total, -1, np.int32), np.full(total, np.inf, np.float32)
        thresholds = self.recipe.score_threshold or (0.1,) * rows
        for row, numbers in enumerate(index):
            for number in numbers:
                row_of[number] = row
                limit[number] = thresholds[row]
        return row_of, limit


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """What the model said about one window of a picture."""

    candidates: Candidates
    placement: Placement
    """From the whole picture to the input that showed this window."""
    window: NDArray[np.float64]


def _shifted(placement: Placement, window: NDArray[np.float64], size: tuple[int, int]) -> Placement:
    """Return a window's placement as one of the whole picture."""
    (scale_x, scale_y), (left, top) = placement.scale, placement.offset
    return Placement(placement.scale, (left - window[0] * scale_x, top - window[1] * scale_y), size)


def _draw(views: Sequence[_View], counts: Sequence[int], sources: Sequence[NDArray[np.int64]]) -> Mapping[int, Shape]:
    """Return the exact geometry of each kept box whose candidates have one."""
    if all(view.candidates.outline is None for view in views):
        return {}
    starts = np.concatenate([[0], np.cumsum(counts)])
    shapes: dict[int, Shape] = {}
    for box, rows in enumerate(sources):
        drawn: list[Shape] = []
        for row in rows:
            number = int(np.searchsorted(starts, row, side="right")) - 1
            view = views[number]
            if view.candidates.outline is not None:
                drawn.append(view.candidates.outline(int(row - starts[number]), view.placement))
        masks = [shape for shape in drawn if isinstance(shape, Mask)]
        if len(masks) > 1:
            shapes[box] = union(masks)
        elif drawn:
            shapes[box] = drawn[0]
    return shapes


def input_size(session: Session, options: InputOptions) -> tuple[int, int]:
    """Return the (width, height) to feed, from the recipe or the model; they must agree where both say one.

    Raises:
        ModelMismatchError: they disagree, or neither says one.
    """
    spec = session.inputs[0]
    if len(spec.shape) != 4:
        msg = f"{session.path.name}: the first input must be a batch of pictures, got {read_shapes([spec])}"
        raise ModelMismatchError(msg)
    height, width = spec.shape[2:] if options.layout == "nchw" else spec.shape[1:3]
    channels = spec.shape[1] if options.layout == "nchw" else spec.shape[3]
    wanted = 1 if options.colour == "grey" else 3
    if isinstance(channels, int) and channels != wanted:
        msg = (
            f"{session.path.name}: layout {options.layout} with colour {options.colour} needs {wanted} channels; "
            f"the model's input is {read_shapes([spec])}"
        )
        raise ModelMismatchError(msg)
    own = (width if isinstance(width, int) else 0, height if isinstance(height, int) else 0)
    size = (options.size[0] or own[0], options.size[1] or own[1])
    if (own[0] and size[0] != own[0]) or (own[1] and size[1] != own[1]):
        msg = f"{session.path.name}: the model takes {own[0]}x{own[1]} pictures, the manifest says {size[0]}x{size[1]}"
        raise ModelMismatchError(msg)
    if not all(size):
        msg = f"{session.path.name}: the model's input size is free ({read_shapes([spec])}); give model.input.size"
        raise ModelMismatchError(msg)
    return size
