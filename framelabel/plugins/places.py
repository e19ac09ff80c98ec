"""The manifest's zones, lines and rules as the rules package knows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from framelabel.core.errors import FramelabelError, InvalidManifestError
from framelabel.plugins.choices import key_in
from framelabel.plugins.schema import Manifest
from framelabel.plugins.yaml_lines import Location
from framelabel.rules.evaluate import Rule, parse
from framelabel.rules.zones import Line, Zone


def zones_of(manifest: Manifest) -> dict[str, Zone]:
    """Return the areas by name."""
    areas = [zone for zone in manifest.zones if zone.polygon]
    return {zone.name: Zone(zone.name, zone.polygon, zone.anchor, zone.frame) for zone in areas}


def lines_of(manifest: Manifest) -> dict[str, Line]:
    """Return the lines by name."""
    lines = [zone for zone in manifest.zones if zone.line]
    return {line.name: Line(line.name, line.line, line.anchor, line.frame) for line in lines}


def rules_of(manifest: Manifest) -> tuple[Rule, ...]:
    """Return the checked rules."""
    zones, lines = zones_of(manifest), lines_of(manifest)
    rules = [with_plan(rule, manifest.folder) for rule in manifest.rules]
    return parse(rules, zones, lines, manifest.ontology(), str(manifest.folder))


def with_plan(rule: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """Return a rule with the rows of its planogram file (`rows: FILE.yaml`, below the plugin's folder) in place.

    Raises:
        InvalidManifestError: the file is not there, lies elsewhere, or is not YAML with a list of lists `rows`.
    """
    name = rule.get("rows")
    if not isinstance(name, str):
        return rule
    path = (folder / name).resolve()
    if folder.resolve() not in path.parents or not path.is_file():
        raise InvalidManifestError(f"{folder / name}: rows: no such file in the plugin's folder")
    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidManifestError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    rows = values.get("rows") if isinstance(values, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise InvalidManifestError(f"{path}: a planogram is `rows:` with a list of product names for each row")
    return {**rule, "rows": rows}


def place_problems(manifest: Manifest) -> Iterator[tuple[Location, str]]:
    """Yield what is wrong with zones and rules, each with its place in the file."""
    try:
        zones, lines = zones_of(manifest), lines_of(manifest)
    except FramelabelError as error:
        yield ("zones",), str(error)
        return
    for index, rule in enumerate(manifest.rules):
        try:
            parse([with_plan(rule, manifest.folder)], zones, lines, manifest.ontology(), manifest.name)
        except FramelabelError as error:
            yield ("rules", index, *key_in(str(error))), str(error)
            return
    try:
        rules_of(manifest)
    except FramelabelError as error:
        yield ("rules",), str(error)
