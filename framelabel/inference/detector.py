"""Pictures in, boxes out: preprocessing, model, decoder, tiles and suppression of one model put together."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.catalog import options_of
from framelabel.core.config import build
from framelabel.core.errors import ModelMismatchError, UsageError
from framelabel.core.findings import Findings
from framelabel.core.frames import Frame
from framelabel.core.golden_pair import PAIR
from framelabel.core.protocols import SILENT, Reporter
from framelabel.inference.decoders.candidates import Candidates, Decoder, Outputs
from framelabel.inference.decoders.catalog import DECODERS
from framelabel.inference.findings import View, settle
from framelabel.inference.free_size import free_picture_size
from framelabel.inference.pairs import compared
from framelabel.inference.preprocess import Canvas, Placement, Preprocessor, least_size
from framelabel.inference.recipe import Recipe, class_table, input_size
from framelabel.inference.session import Session, read_shapes, usable_cores
from framelabel.inference.suppression import suppress
from framelabel.inference.thorough import look
from framelabel.inference.tiling import tile_windows
from framelabel.streaming.batching import batched
from framelabel.streaming.ordered import ordered_map


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
        template: NDArray[np.uint8] | None = None,
        reporter: Reporter = SILENT,
    ) -> None:
        """Load the model, run it once on a grey picture and check that its outputs fit the recipe.

        Args:
            path: the ONNX file.
            recipe: how to feed and read it.
            device: one of `framelabel.inference.session.DEVICES`.
            workers: pictures in work at the same time in a stream; 0 is one for each core (two on an accelerator).
            batch: most pictures in one call where the model allows it; 0 chooses.
            template: (H, W, 3) RGB that pictures are compared with by models that look at pairs.
            reporter: hears when the device runs out of memory.

        Raises:
            ModelMismatchError: inputs, outputs or classes are not what the recipe says.
            DeviceUnavailableError: the device asked for is not usable here.
        """
        self.session = Session(path, device=device, batch=batch, reporter=reporter)
        self.template = template
        self.workers = workers or (usable_cores() if self.session.device == "cpu" else 2)
        self.recipe = replace(recipe, input=replace(recipe.input, size=input_size(self.session, recipe.input)))
        self._entry = DECODERS.load(recipe.decoder)
        place = f"decoder_options of '{recipe.decoder}'"
        self._decoder_options: Any = build(options_of(self._entry), recipe.decoder_options, place)
        self._lanes: dict[tuple[int, int], _Lane] = {}
        self._local = threading.local()
        self._full = self._lane(self.recipe.input.size)
        self._nms_iou = self._full.decoder.default_nms_iou if recipe.nms_iou is None else recipe.nms_iou
        self._class_row, self._thresholds = class_table(recipe, self._probe(self.session, self._full), path.name)
        self.trims_padding = self._try_least_padding()
        """Whether wide and tall pictures are fed without the padding that they do not need."""

    @property
    def device(self) -> str:
        """The device in use, read back from the session."""
        return self.session.device

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> list[Boxes]:
        """Return the boxes of each (H, W, 3) RGB picture, in picture pixels, best score first."""
        return [findings.boxes for findings in self.find(images)]

    @property
    def lacks_template(self) -> bool:
        """Whether the model compares with a golden template and none was given."""
        return self.recipe.input.colour == PAIR and self.template is None

    def against(self, template: NDArray[np.uint8]) -> OnnxDetector:
        """Return this detector, its session shared, with another golden template."""
        other = copy(self)
        other.template = template
        return other

    def find(self, images: Sequence[NDArray[np.uint8]], views: Sequence[str] | None = None) -> list[Findings]:
        """Return boxes, shapes and tags of each (H, W, 3) RGB picture.

        Args:
            images: the pictures.
            views: further views in which each is seen, names of `framelabel.inference.thorough.VIEWS`; None: the
                recipe's.

        Raises:
            UsageError: the model compares with a template, and there is none or it shows another view.
        """
        fed = [self._prepared(image) for image in images]
        chosen = self.recipe.views if views is None else views
        return [self._look_again(image, chosen) for image in fed] if chosen else self._find(fed)

    def _prepared(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return what the model looks at: the picture, or picture, template and difference."""
        if self.recipe.input.colour != PAIR:
            return image
        if self.template is None:
            raise UsageError(f"{self.session.path.name} compares pictures with a golden template, and none is given")
        return compared(image, self.template)

    def _look_again(self, image: NDArray[np.uint8], views: Sequence[str]) -> Findings:
        """Fuse several views of one picture; boxes of different classes compete only when all views have spoken."""
        found = look(partial(self._find, cross_class_iou=1.0), image, views)
        boxes, limit = found.boxes, self.recipe.nms_cross_class_iou
        best = suppress(boxes.xyxy, boxes.score, boxes.class_id, 1.0, cross_class_iou=limit, most=self.recipe.max_boxes)
        return found.select(best)

    def _find(self, images: Sequence[NDArray[np.uint8]], cross_class_iou: float | None = None) -> list[Findings]:
        cuts: list[tuple[int, NDArray[np.uint8], NDArray[np.float64]]] = []
        for number, image in enumerate(images):
            for window in self._windows((image.shape[1], image.shape[0])):
                left, top, right, bottom = (int(edge) for edge in window)
                cuts.append((number, image[top:bottom, left:right], window))
        seen: list[list[View]] = [[] for _ in images]
        for lane, alike in groupby(cuts, key=lambda cut: self._lane_for(cut[1])):
            for group in batched(alike, self.session.max_batch):
                looks = self._look(lane, [image for _, image, _ in group])
                for (number, _, window), (candidates, placement) in zip(group, looks, strict=True):
                    size = (images[number].shape[1], images[number].shape[0])
                    seen[number].append(View.of(candidates, placement, window, size))
        limit = self.recipe.nms_cross_class_iou if cross_class_iou is None else cross_class_iou
        return [self._settle(views, limit) for views in seen]

    def detect_stream(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, Boxes]]:
        """Yield every frame with its boxes, in order; `workers` threads work ahead by a few frames."""
        for frame, findings in self.find_stream(frames):
            yield frame, findings.boxes

    def find_stream(
        self, frames: Iterable[Frame], views: Sequence[str] | None = None
    ) -> Iterator[tuple[Frame, Findings]]:
        """Yield every frame with its findings (see `find`), in order; `workers` threads work ahead by a few frames."""
        chosen = self.recipe.views if views is None else views

        def work(group: list[Frame]) -> list[tuple[Frame, Findings]]:
            return list(zip(group, self.find([frame.image for frame in group], chosen), strict=True))

        groups = batched(frames, 1 if self.recipe.tiles or chosen else self.session.max_batch)
        for done in ordered_map(work, groups, workers=self.workers, name="detect"):
            yield from done

    def raw_outputs(self, image: NDArray[np.uint8]) -> Outputs:
        """Return the model's outputs for one picture at the full input size, as they are, for inspection."""
        return _run_one(self.session, self._full, self._prepared(image))

    def candidates(self, image: NDArray[np.uint8]) -> tuple[Candidates, Placement]:
        """Return what the decoder gives for one picture before suppression, and where the picture lies in the input."""
        return self._look(self._full, [self._prepared(image)])[0]

    def _windows(self, size: tuple[int, int]) -> NDArray[np.float64]:
        if self.recipe.tiles is None:
            return np.array([[0, 0, *size]], np.float64)
        return tile_windows(size, self.recipe.tiles)

    def _lane_for(self, image: NDArray[np.uint8]) -> _Lane:
        """Return the lane that feeds pictures of this size."""
        if not self.trims_padding:
            return self._full
        return self._lane(least_size(self.recipe.input, (image.shape[1], image.shape[0])))

    def _lane(self, size: tuple[int, int]) -> _Lane:
        lane = self._lanes.get(size)
        if lane is None:
            preprocessor = Preprocessor(replace(self.recipe.input, size=size), self.session.inputs[0].dtype)
            lane = _Lane(size, preprocessor, self._entry(self._decoder_options, input_size=size))
            self._lanes[size] = lane
        return lane

    def _look(self, lane: _Lane, images: Sequence[NDArray[np.uint8]]) -> list[tuple[Candidates, Placement]]:
        """Run the model on pictures that fit one batch, in this thread's own canvas."""
        canvases: dict[tuple[int, int, int], Canvas] = self._local.__dict__.setdefault("canvases", {})
        key = (*lane.size, len(images))
        if key not in canvases:
            canvases[key] = lane.preprocessor.canvas(len(images))
        canvas = canvases[key]
        placements = [lane.preprocessor.write(image, canvas, row) for row, image in enumerate(images)]
        outputs = self.session.run(canvas.batch, _sizes(self.session, lane, len(images)))
        return [(lane.decoder(output, self._thresholds), at) for output, at in zip(outputs, placements, strict=True)]

    def _settle(self, views: Sequence[View], cross_class_iou: float) -> Findings:
        return settle(
            views,
            self._class_row,
            nms_iou=self._nms_iou,
            cross_class_iou=cross_class_iou,
            max_boxes=self.recipe.max_boxes,
        )

    @staticmethod
    def _probe(session: Session, lane: _Lane) -> int:
        """Run a grey picture; return the number of classes that the outputs hold (0: they do not say)."""
        width, height = lane.size
        try:
            outputs = _run_one(session, lane, np.full((height, width, 3), 114, np.uint8))
        except ModelMismatchError:
            raise
        except Exception as error:
            shapes, reason = read_shapes(session.inputs), " ".join(str(error).split())[:160]
            msg = f"{session.path.name}: the model rejects its input ({shapes}, fed {width}x{height}): {reason}"
            raise ModelMismatchError(msg) from error
        return lane.decoder.class_count(outputs)

    def _try_least_padding(self) -> bool:
        """Make the model's input size free where the recipe asks for it, and prove that it still computes the same.

        The proof: equal outputs at the full size, and outputs that the decoder accepts at half the height. A model
        that fails it (its graph holds sizes as constants) keeps its full padding.
        """
        feed = self.recipe.input
        if feed.padding != "least" or feed.resize not in ("letterbox", "letterbox_centred"):
            return False
        axes = (2, 3) if feed.layout == "nchw" else (1, 2)
        spec = self.session.inputs[0]
        half = self._lane((feed.size[0], max(feed.multiple, feed.size[1] // 2 // feed.multiple * feed.multiple)))
        try:
            freed = self.session
            if any(isinstance(spec.shape[axis], int) for axis in axes):
                freed = self.session.with_model(free_picture_size(self.session.path.read_bytes(), spec.name, axes))
                noise = np.random.default_rng(0).integers(0, 255, (*feed.size[::-1], 3), np.uint8)
                pairs = zip(_run_one(self.session, self._full, noise), _run_one(freed, self._full, noise), strict=True)
                if not all(np.allclose(own, other, rtol=1e-3, atol=1e-3) for own, other in pairs):
                    return False
            self._probe(freed, half)
        except Exception:  # noqa: BLE001 - any failure of the trial means that this model needs its own size
            return False
        self.session = freed
        return True


@dataclass(frozen=True, slots=True, eq=False)
class _Lane:
    """What one input size needs."""

    size: tuple[int, int]
    """(width, height)."""
    preprocessor: Preprocessor
    decoder: Decoder


def _run_one(session: Session, lane: _Lane, image: NDArray[np.uint8]) -> Outputs:
    canvas = lane.preprocessor.canvas(1)
    lane.preprocessor.write(image, canvas, 0)
    return session.run(canvas.batch, _sizes(session, lane, 1))[0]


def _sizes(session: Session, lane: _Lane, count: int) -> NDArray[np.int64] | None:
    """Return the input's own size for models with a size input, so that their boxes come in input pixels."""
    return np.tile(np.array(lane.size, np.int64), (count, 1)) if len(session.inputs) > 1 else None
