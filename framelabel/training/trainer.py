"""The training loop: pictures in, a better network out, a checkpoint after every epoch.

Every random choice of an epoch follows from the seed and the epoch's number, so a run that was stopped and resumed from
its checkpoint goes on exactly as one that was never stopped (bit for bit on a CPU with one thread).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from framelabel.core.errors import DeviceUnavailableError, UsageError
from framelabel.core.protocols import SILENT, Reporter
from framelabel.streaming.prefetch import prefetch
from framelabel.training.augment import compose
from framelabel.training.export import folded
from framelabel.training.loss import detection_loss
from framelabel.training.network import CompactDetector
from framelabel.training.recipe import Recipe
from framelabel.training.samples import Compare, Picture, PictureStore, Sample
from framelabel.training.schedule import averaging, learning_rate

_AVERAGE_DECAY = 0.998
_CLIP_NORM = 10.0


@dataclass(frozen=True, slots=True)
class EpochFacts:
    """What one epoch came to."""

    epoch: int
    loss: float
    score: float
    """Of the averaged network on the held-out part; NaN where it was not evaluated."""


def device_for(name: str) -> Any:
    """Return the torch device of "auto", "cpu", "cuda" or "cuda:N".

    Raises:
        DeviceUnavailableError: it is not usable here.
    """
    usable = torch.cuda.is_available()
    if name == "auto":
        return torch.device("cuda" if usable else "cpu")
    if name.startswith("cuda") and not usable:
        msg = f"device '{name}': PyTorch sees no CUDA device here; use --device cpu, or install a CUDA build of torch"
        raise DeviceUnavailableError(msg)
    try:
        return torch.device(name)
    except RuntimeError:
        msg = f"unknown device '{name}'; use auto, cpu, cuda or cuda:N"
        raise UsageError(msg) from None


class Trainer:
    """One run. `fit` yields after every epoch, so the caller may show, stop or export at any point."""

    def __init__(
        self,
        network: CompactDetector,
        samples: Sequence[Sample],
        recipe: Recipe,
        *,
        device: str = "auto",
        compare: Compare | None = None,
        evaluate: Callable[[CompactDetector], float] | None = None,
        reporter: Reporter = SILENT,
    ) -> None:
        if recipe.size % 32:
            msg = f"input size {recipe.size} must be a multiple of 32"
            raise UsageError(msg)
        if not samples:
            msg = "there is no picture to train on"
            raise UsageError(msg)
        self.device = device_for(device)
        if recipe.folded:
            network = folded(network).train()
        self.network = network.to(self.device, memory_format=torch.channels_last)  # a quarter faster, also on CPUs
        self.average = copy.deepcopy(self.network).eval()
        self.recipe = recipe
        self.epoch = 0
        self.best_score = -1.0
        self.best: dict[str, Any] = {}
        self._since_best = 0
        self._samples = list(samples)
        self._store = PictureStore(recipe.size, compare=compare)
        self._evaluate = evaluate
        self._reporter = reporter
        for weight in (weight for part in self._frozen_parts() for weight in part.parameters()):
            weight.requires_grad_(False)
        learnt = [p for p in self.network.parameters() if p.requires_grad]
        decayed = [p for p in learnt if p.dim() > 1]
        plain = [p for p in learnt if p.dim() == 1]
        groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        self._optimiser = torch.optim.AdamW(groups, lr=recipe.peak_rate)
        self._pictures = recipe.epoch_pictures or len(self._samples)
        self._steps_per_epoch = max(self._pictures // recipe.batch, 1)
        half = torch.bfloat16 if self._has_bfloat16() else torch.float16
        self._autocast = {"device_type": self.device.type, "dtype": half, "enabled": self._is_mixed(half)}
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=half is torch.float16 and self._is_mixed(half))

    def fit(self) -> Iterator[EpochFacts]:
        """Train the epochs that are left; yield the facts of each."""
        while self.epoch < self.recipe.epochs:
            loss = self._train_epoch(self.epoch)
            self.epoch += 1
            last = self.epoch == self.recipe.epochs
            score = float("nan")
            if self._evaluate is not None and (last or self.epoch % self.recipe.evaluate_every == 0):
                score = self._evaluate(self.average)
                self._since_best += 1
                if score >= self.best_score:
                    self.best_score, self._since_best = score, 0
                    self.best = copy.deepcopy(self.average.state_dict())
            yield EpochFacts(self.epoch, loss, score)
            if self.recipe.patience and self._since_best >= self.recipe.patience:
                self._reporter.note(f"stopped early: no better score in {self._since_best} evaluations")
                return

    def best_network(self) -> CompactDetector:
        """Return the averaged network of the best evaluation (the latest one without any)."""
        result: CompactDetector = copy.deepcopy(self.average)
        if self.best:
            result.load_state_dict(self.best)
        return result

    def save(self, path: Path) -> None:
        """Write a checkpoint; the old one is replaced only when the new one is whole."""
        state = {
            "epoch": self.epoch,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "scaler": self._scaler.state_dict(),
            "best": self.best,
            "best_score": self.best_score,
            "since_best": self._since_best,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".writing")
        torch.save(state, fresh)
        fresh.replace(path)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint of the same recipe and samples."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.epoch = int(state["epoch"])
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._scaler.load_state_dict(state["scaler"])
        self.best, self.best_score = state["best"], float(state["best_score"])
        self._since_best = int(state["since_best"])

    def _train_epoch(self, epoch: int) -> float:
        recipe = self.recipe
        steps = recipe.epochs * self._steps_per_epoch
        self.network.train()
        for part in self._frozen_parts():
            part.eval()
        total = 0.0
        self._reporter.start(f"epoch {epoch + 1}/{recipe.epochs}", self._steps_per_epoch * recipe.batch)
        with prefetch(self._batches(epoch), depth=2, name="augment") as batches:
            for number, batch in enumerate(batches):
                step = epoch * self._steps_per_epoch + number
                rate = learning_rate(step, steps, recipe.peak_rate, warm_up=max(int(recipe.warm_up * steps), 1))
                loss = self._step(batch, rate)
                self._follow(step, steps)
                total += loss
                self._reporter.advance(recipe.batch, loss=f"{total / (number + 1):.3f}", rate=f"{rate:.1e}")
        return total / self._steps_per_epoch

    def _step(self, pictures: list[Picture], rate: float) -> float:
        images = np.stack([picture.image for picture in pictures]).transpose(0, 3, 1, 2)
        batch = torch.from_numpy(images).to(self.device).float().contiguous(memory_format=torch.channels_last)
        truth = [torch.from_numpy(picture.xyxy).float().to(self.device) for picture in pictures]
        classes = [torch.from_numpy(picture.class_id).long().to(self.device) for picture in pictures]
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        with torch.autocast(**self._autocast):
            maps = self.network(batch)
        parts = detection_loss(maps, truth, classes)
        self._optimiser.zero_grad(set_to_none=True)
        self._scaler.scale(parts.total).backward()
        self._scaler.unscale_(self._optimiser)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), _CLIP_NORM)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        return float(parts.total.detach())

    def _follow(self, step: int, steps: int) -> None:
        """Move the averaged network a little towards the trained one."""
        kept = averaging(step, _AVERAGE_DECAY, ramp=max(steps / 20, 20.0))
        with torch.no_grad():
            for mean, value in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
                if mean.dtype.is_floating_point:
                    mean.mul_(kept).add_(value, alpha=1.0 - kept)
                else:
                    mean.copy_(value)

    def _batches(self, epoch: int) -> Iterator[list[Picture]]:
        recipe = self.recipe
        rng = np.random.default_rng((recipe.seed, epoch))
        mosaics = epoch < recipe.epochs * (1.0 - recipe.plain_share)
        deck: list[int] = []

        def draw() -> Picture:
            if not deck:
                deck.extend(rng.permutation(len(self._samples)).tolist())
            return self._store.load(self._samples[deck.pop()])

        for _ in range(self._steps_per_epoch):
            yield [compose(draw, recipe.size, recipe.augmentation, rng, mosaics=mosaics) for _ in range(recipe.batch)]

    def _frozen_parts(self) -> list[Any]:
        return list(self.network.backbone.children())[: self.recipe.frozen]

    def _has_bfloat16(self) -> bool:
        if self.device.type == "cuda":
            return bool(torch.cuda.is_bf16_supported())
        return True

    def _is_mixed(self, half: Any) -> bool:
        """Tell whether half precision pays here: on GPUs, and on CPUs with bfloat16 matrix units."""
        if self.device.type == "cuda":
            return True
        return half is torch.bfloat16 and bool(torch.cpu._is_amx_tile_supported())  # noqa: SLF001 - no public query
