"""Rules as written in YAML -> checked options -> events."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from framelabel.core.config import build
from framelabel.core.errors import UsageError
from framelabel.core.events import Event
from framelabel.core.ontology import Ontology
from framelabel.rules.catalog import RULES
from framelabel.rules.rule import RuleOptions, place
from framelabel.rules.scene import Scene

DEFAULT_KIND = "presence"


@dataclass(frozen=True, slots=True)
class Rule:
    """One checked rule."""

    kind: str
    options: RuleOptions


def parse(
    rules: Sequence[Mapping[str, Any]], zones: Collection[str], lines: Collection[str], ontology: Ontology, where: str
) -> tuple[Rule, ...]:
    """Check rules against their kinds' settings and against the names they mention.

    Args:
        rules: as written; `kind` is "presence" when not given.
        zones: known zone names.
        lines: known line names.
        ontology: known classes.
        where: file, for messages.

    Raises:
        UsageError: unknown kind, key, class, zone or line (nearest known name in the message), or a doubled name.
    """
    parsed: list[Rule] = []
    for number, entry in enumerate(rules):
        kind = str(entry.get("kind", DEFAULT_KIND))
        values = {key: value for key, value in entry.items() if key != "kind"}
        label = f"{where}: rule '{entry.get('name', number)}'"
        options: RuleOptions = build(RULES.load(kind).Options, values, label)
        if any(rule.options.name == options.name for rule in parsed):
            raise UsageError(f"{label}: two rules have this name")
        for name in options.zone_names():
            place(dict.fromkeys(zones), name, "zone", options.name)
        for name in options.line_names():
            place(dict.fromkeys(lines), name, "line", options.name)
        for name in options.classes():
            place(dict.fromkeys(ontology.names), name, "class", options.name)
        parsed.append(Rule(kind, options))
    return tuple(parsed)


def evaluate(rules: Sequence[Rule], scene: Scene) -> list[Event]:
    """Return the events of all rules, by start, then rule; those of one rule in the order in which it tells them."""
    found = [event for rule in rules for event in RULES.load(rule.kind).evaluate(rule.options, scene)]
    return sorted(found, key=lambda event: (event.start, event.rule))
