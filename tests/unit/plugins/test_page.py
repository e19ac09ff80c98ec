"""docs/plugins.md is true: its manifest loads, and every key of the schema is described."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from framelabel.inference.decoders.catalog import DECODERS
from framelabel.plugins import schema
from framelabel.plugins.places import place_problems, rules_of
from framelabel.plugins.schema import Manifest, check
from framelabel.plugins.yaml_lines import parse
from framelabel.rules.catalog import RULES

CLASSES = ("person", "helmet", "forklift", "car", "suitcase", "product", "juice", "ripe", "unripe")
DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_example_is_a_manifest_of_under_ten_lines() -> None:
    """A newcomer copies it, changes names, and it loads."""
    blocks = re.findall(r"```yaml\n(.*?)```", (DOCS / "plugins.md").read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 1
    assert len(blocks[0].splitlines()) < 10
    assert check(parse(blocks[0], "docs")).ontology().names == ("bolt", "nut", "washer")


def test_the_rules_shown_are_rules() -> None:
    """Every example rule is accepted by its kind, with the zones and classes shown."""
    text = (DOCS / "plugins.md").read_text("utf-8")
    part = re.search(r"```yaml-part\n(.*?)```", text, re.DOTALL)
    example = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert part is not None
    assert example is not None
    classes = "[" + ", ".join(f"{{name: {name}}}" for name in CLASSES) + "]"
    whole = re.sub(r"classes: \[.*\]", f"classes: {classes}", example.group(1)) + part.group(1)
    manifest = check(parse(whole, "docs"))
    assert list(place_problems(manifest)) == []
    assert {rule.kind for rule in rules_of(manifest)} == set(RULES)


def sections() -> Iterator[type[BaseModel]]:
    """Yield every section of the schema."""
    for value in vars(schema).values():
        if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == schema.__name__:
            yield value


def test_every_key_is_described() -> None:
    """A key that nobody documents is a key that nobody finds."""
    prose = re.sub(r"```.*?```", "", (DOCS / "plugins.md").read_text("utf-8"), flags=re.DOTALL)
    words = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`[^`]+`", prose))))
    keys = {key for section in sections() for key in section.model_fields}
    assert "score_threshold" in keys
    assert "schema_version" in Manifest.model_fields
    assert sorted(keys - words) == []


def test_every_decoder_is_described() -> None:
    """The table of docs/inference.md names every entry of the catalog."""
    text = (DOCS / "inference.md").read_text("utf-8")
    assert [name for name in DECODERS if f"`{name}`" not in text] == []
