"""All tracking metrics of one sequence together; sums, so sequences and classes combine by addition."""

from __future__ import annotations

from dataclasses import dataclass, field

from framelabel.metrics.clear import Clear, clear
from framelabel.metrics.hota import Hota, hota
from framelabel.metrics.identity import Identity, identity
from framelabel.metrics.matching import Overlap


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much was scored."""

    predictions: int = 0
    truths: int = 0
    prediction_tracks: int = 0
    truth_tracks: int = 0

    def __add__(self, other: Sizes) -> Sizes:
        return Sizes(
            self.predictions + other.predictions,
            self.truths + other.truths,
            self.prediction_tracks + other.prediction_tracks,
            self.truth_tracks + other.truth_tracks,
        )

    def figures(self) -> dict[str, float]:
        """Return the counts under TrackEval's names."""
        return {
            "Dets": self.predictions,
            "GT_Dets": self.truths,
            "IDs": self.prediction_tracks,
            "GT_IDs": self.truth_tracks,
        }


@dataclass(frozen=True, slots=True)
class TrackingScore:
    """HOTA, CLEAR and identity sums of one or more sequences; add two to combine them as TrackEval does."""

    hota: Hota = field(default_factory=Hota.zero)
    clear: Clear = Clear()  # noqa: RUF009 - frozen
    identity: Identity = Identity()  # noqa: RUF009 - frozen
    sizes: Sizes = Sizes()

    def __add__(self, other: TrackingScore) -> TrackingScore:
        return TrackingScore(
            self.hota + other.hota,
            self.clear + other.clear,
            self.identity + other.identity,
            self.sizes + other.sizes,
        )

    def figures(self) -> dict[str, float]:
        """Return every scalar figure under TrackEval's name, shares in [0, 1]."""
        return {**self.hota.figures(), **self.clear.figures(), **self.identity.figures(), **self.sizes.figures()}


def score_tracks(overlap: Overlap, *, threshold: float = 0.5) -> TrackingScore:
    """Score one sequence of one class; `threshold` is the overlap from which CLEAR and identity accept a match."""
    return TrackingScore(
        hota(overlap),
        clear(overlap, threshold=threshold),
        identity(overlap, threshold=threshold),
        Sizes(len(overlap.prediction_id), len(overlap.truth_id), overlap.prediction_count, overlap.truth_count),
    )
