"""What a part of the effort benchmark hands back: tables for people, numbers for machines, goals met or missed."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Goal:
    """One stated figure."""

    name: str
    value: float
    target: float
    at_most: bool = True
    """Whether small is good."""

    @property
    def is_met(self) -> bool:
        """Whether the figure is reached."""
        return self.value <= self.target if self.at_most else self.value >= self.target

    def line(self) -> str:
        """Return the goal in words."""
        sign = "<=" if self.at_most else ">="
        return f"{'met   ' if self.is_met else 'MISSED'} {self.name}: {self.value:.3g} (goal {sign} {self.target:g})"


@dataclass(frozen=True, slots=True)
class Part:
    """The outcome of one part of the benchmark."""

    title: str
    table: tuple[str, ...]
    """Lines of a Markdown table."""
    goals: tuple[Goal, ...] = ()
    numbers: dict[str, object] = field(default_factory=dict)
    """For `--json`."""
