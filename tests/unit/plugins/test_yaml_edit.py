"""Changing values of a YAML file: only what differs is touched, comments and order stay, nothing false is written."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from framelabel.core.errors import UsageError
from framelabel.plugins.loading import bundled_folder, check_text
from framelabel.plugins.yaml_edit import edited, plain
from framelabel.plugins.yaml_lines import parse

TEXT = """\
# a plugin of ours
name: site   # short
model: {score_threshold: 0.10, nms_iou: 0.65}  # tuned in May

zones:
  # by the crane
  - {name: crane, polygon: [[.1, .4], [.9, .4], [1, 1]]}  # as built
  - name: gate   # the only one
    line: [[0.5, 0.0], [0.5, 1.0]]
rules:
  - {name: no_helmet, subject: person, inside: crane,
     for_s: 1.0}
# the end
"""
SQUARE = [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]
Change = Callable[[dict[str, Any]], object]


def values() -> dict[str, Any]:
    """Return what TEXT says."""
    found: dict[str, Any] = plain(parse(TEXT, "x").values)
    return found


CHANGES: dict[str, tuple[Change, list[str], list[str]]] = {
    "number-in-flow": (
        lambda v: v["model"].update(score_threshold=0.25),
        ["model: {score_threshold: 0.25, nms_iou: 0.65}  # tuned in May"],
        ["0.10"],
    ),
    "key-into-flow": (lambda v: v["model"].update(max_boxes=5), ["max_boxes: 5", "# tuned in May"], []),
    "corner": (
        lambda v: v["zones"][0]["polygon"].__setitem__(2, [0.7, 0.8]),
        ["[[.1, .4], [.9, .4], [0.7, 0.8]]}  # as built", "# by the crane"],
        [],
    ),
    "zone-added": (
        lambda v: v["zones"].append({"name": "door", "polygon": SQUARE}),
        ["# as built", "# the only one", "  - {name: door, polygon: [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]}\n"],
        [],
    ),
    "zone-removed": (lambda v: v["zones"].pop(0), ["# by the crane", "name: gate   # the only one"], ["as built"]),
    "last-zone-removed": (lambda v: v["zones"].pop(1), ["# as built"], ["gate"]),
    "all-zones-removed": (lambda v: v["zones"].clear(), ["zones:", "[]", "# tuned in May"], ["crane, polygon"]),
    "rule-over-two-lines": (lambda v: v["rules"][0].update(for_s=2.5), ["inside: crane,\n     for_s: 2.5}"], []),
    "section-added": (lambda v: v.update(review={"accept_at": 0.9}), ["review: {accept_at: 0.9}\n", "# the end"], []),
    "section-removed": (lambda v: v.pop("rules"), ["# the only one"], ["no_helmet"]),
    "renamed": (lambda v: v.update(name="yard"), ["name: yard   # short"], []),
    "text-that-needs-quotes": (lambda v: v.update(name="on: off # no"), ["'on: off # no'"], []),
}


@pytest.mark.parametrize(("change", "there", "gone"), CHANGES.values(), ids=CHANGES)
def test_only_what_differs_is_touched(change: Change, there: list[str], gone: list[str]) -> None:
    """The text says the new values, keeps comments and the way things are written, and lost what was removed."""
    wanted = values()
    change(wanted)
    text = edited(TEXT, wanted, "site.yaml")
    assert plain(parse(text, "x").values) == wanted
    assert text.startswith("# a plugin of ours\n")
    for part in there:
        assert part in text
    for part in gone:
        assert part not in text


def test_nothing_changed_is_the_same_text() -> None:
    """A save without a change writes the very same bytes."""
    assert edited(TEXT, values(), "site.yaml") == TEXT


def test_an_alias_is_not_pulled_along() -> None:
    """A value that stands in two places through an alias cannot change in one: it is said, nothing is written."""
    text = "a: &x {k: 1}\nb: *x\n"
    with pytest.raises(UsageError, match="edit it by hand"):
        edited(text, {"a": {"k": 2}, "b": {"k": 1}}, "x.yaml")
    assert edited(text, {"a": {"k": 2}, "b": {"k": 2}}, "x.yaml") == "a: &x {k: 2}\nb: *x\n"


@pytest.mark.parametrize("name", sorted(path.parent.name for path in bundled_folder().glob("*/plugin.yaml")))
def test_every_bundled_plugin_takes_a_zone_a_rule_and_a_threshold(name: str) -> None:
    """What the page's form changes can be written into each plugin that comes along, and stays a valid plugin."""
    folder = bundled_folder() / name
    text = (folder / "plugin.yaml").read_text("utf-8")
    wanted = copy.deepcopy(plain(parse(text, name).values))
    wanted["model"]["score_threshold"] = 0.42
    wanted.setdefault("zones", []).append({"name": "drawn", "polygon": SQUARE})
    subject = wanted["classes"][0]["name"]
    wanted.setdefault("rules", []).append({"name": "in_drawn", "subject": subject, "inside": "drawn", "for_s": 1.5})
    manifest = check_text(edited(text, wanted, name), folder)
    assert manifest.model.score_threshold == 0.42
    assert manifest.zones[-1].name == "drawn"
    comments = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert all(line in edited(text, wanted, name) for line in comments)
