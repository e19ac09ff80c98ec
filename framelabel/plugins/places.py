"""The manifest's zones, lines and rules as the rules package knows them."""

from __future__ import annotations

from collections.abc import Iterator

from framelabel.core.errors import FramelabelError
from framelabel.plugins.choices import key_in
from framelabel.plugins.schema import Manifest
from framelabel.plugins.yaml_lines import Location
from framelabel.rules.evaluate import Rule, parse
from framelabel.rules.zones import Line, Zone


def zones_of(manifest: Manifest) -> dict[str, Zone]:
    """Return the areas by name."""
    return {entry.name: Zone(entry.name, entry.polygon, entry.anchor) for entry in manifest.zones if entry.polygon}


def lines_of(manifest: Manifest) -> dict[str, Line]:
    """Return the lines by name."""
    return {entry.name: Line(entry.name, entry.line, entry.anchor) for entry in manifest.zones if entry.line}


def rules_of(manifest: Manifest) -> tuple[Rule, ...]:
    """Return the checked rules."""
    zones, lines = zones_of(manifest), lines_of(manifest)
    return parse(manifest.rules, zones, lines, manifest.ontology(), str(manifest.folder))


def place_problems(manifest: Manifest) -> Iterator[tuple[Location, str]]:
    """Yield what is wrong with zones and rules, each with its place in the file."""
    try:
        zones, lines = zones_of(manifest), lines_of(manifest)
    except FramelabelError as error:
        yield ("zones",), str(error)
        return
    for index, rule in enumerate(manifest.rules):
        try:
            parse([rule], zones, lines, manifest.ontology(), manifest.name)
        except FramelabelError as error:
            yield ("rules", index, *key_in(str(error))), str(error)
            return
    try:
        rules_of(manifest)
    except FramelabelError as error:
        yield ("rules",), str(error)
