"""A catalog: a table of name -> "module:attribute", imported on first use.

Every extension point (readers, decoders, trackers, formats, commands) is one. A new entry is one file and one line.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar, cast

from framelabel.core.errors import UnknownNameError

T = TypeVar("T")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest known name, or the list of known names when none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f" Did you mean '{near[0]}'?"
    return f" Known: {', '.join(names)}." if names else ""


class Catalog(Mapping[str, str], Generic[T]):
    """Names of one kind of thing and where each lives; nothing is imported until `load`."""

    def __init__(self, kind: str, entries: Mapping[str, str]) -> None:
        self.kind = kind
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> str:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def load(self, name: str) -> T:
        """Import and return the entry.

        Raises:
            UnknownNameError: the catalog has no such name; the message holds the nearest one.
        """
        target = self._entries.get(name)
        if target is None:
            msg = f"unknown {self.kind} '{name}'.{did_you_mean(name, self)}"
            raise UnknownNameError(msg)
        module, _, attribute = target.partition(":")
        return cast("T", getattr(importlib.import_module(module), attribute))


def options_of(entry: Any) -> type:
    """Return the entry's frozen `Options` dataclass (every entry that can be configured has one)."""
    return cast("type", entry.Options)
