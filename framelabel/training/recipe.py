"""Everything that decides how a network is trained. No torch here."""

from __future__ import annotations

from dataclasses import dataclass, field

from framelabel.training.augment import Augmentation


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides how a network is trained."""

    epochs: int = 30
    batch: int = 16
    size: int = 416
    """Input side in pixels, a multiple of 32."""
    peak_rate: float = 1.5e-3
    weight_decay: float = 0.02
    warm_up: float = 0.05
    """Share of all steps."""
    plain_share: float = 0.2
    """Share of the epochs at the end without mosaics."""
    patience: int = 0
    """Stop after so many evaluations without a better score; 0 never stops early."""
    evaluate_every: int = 1
    """Epochs between evaluations."""
    epoch_pictures: int = 0
    """Pictures per epoch; 0: as many as there are."""
    frozen: int = 0
    """Parts of the backbone, from the picture on, that keep their given weights (0 to 5); saves time."""
    folded: bool = False
    """Train with normalisations folded into the convolutions: a quarter faster; right when weights are given."""
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)
