"""The bundled retail_shelves plugin on its drawn shelf, whose truth is the script that drew it."""

from __future__ import annotations

from pathlib import Path

import pytest

from framelabel.core.events import Event
from framelabel.core.labels import Labels
from framelabel.plugins.loading import bundled_folder
from framelabel.store.project import Project
from framelabel.workflows import label


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> tuple[Labels, list[Event]]:
    """Return labels and events of the sample."""
    project = tmp_path_factory.mktemp("shelf") / "p.framelabel"
    picture = bundled_folder() / "retail_shelves" / "samples" / "shelf.jpg"
    assert label.run(label.LabelConfig(videos=(picture,), plugin="retail_shelves", project=project)).is_complete
    with Project(project) as opened:
        return opened.labels(), opened.events()


def of_rule(events: list[Event], rule: str) -> list[Event]:
    """Return the events of one rule."""
    return [event for event in events if event.rule == rule]


def test_products_and_code(shelf: tuple[Labels, list[Event]]) -> None:
    """Thirteen products as drawn, and the printed EAN-13 with its text."""
    labels, _ = shelf
    names = [labels.ontology.names[number] for number in labels.class_id]
    assert {name: names.count(name) for name in set(names)} == {
        "pepsi_can": 5, "coke_can": 6, "coke_bottle": 2, "barcode": 1,
    }  # fmt: skip
    assert dict(labels.attributes[names.index("barcode")]) == {"code": "4006381333931", "format": "EAN-13"}


def test_what_it_says(shelf: tuple[Labels, list[Event]]) -> None:
    """One gap and one difference from the plan, both at the fourth place of the upper row; facings 6 and 7."""
    _, events = shelf
    [gap] = of_rule(events, "out_of_stock")
    assert gap.attributes["row"] == 0
    middle = (float(gap.attributes["x1"]) + float(gap.attributes["x2"])) / 2
    assert middle == pytest.approx(110 + 3 * 120, abs=10)
    [difference] = of_rule(events, "planogram")
    facts = difference.attributes
    assert (facts["difference"], facts["row"], facts["place"], facts["planned"]) == ("missing", 0, 3, "pepsi_can")
    assert all(event.needs_review for event in (gap, difference))
    whole, upper, lower = of_rule(events, "share_of_shelf")
    assert [event.attributes["facings"] for event in (whole, upper, lower)] == [13, 6, 7]
    # Widths as drawn: cans 104 px, bottles 81 px.
    assert whole.attributes["share_coke_bottle"] == pytest.approx(2 * 81 / (2 * 81 + 11 * 104), abs=0.02)
    assert of_rule(events, "crooked") == []


def test_the_sample_is_the_drawing(tmp_path: Path) -> None:
    """The picture in the plugin is what its script draws today."""
    import runpy
    import sys

    import cv2
    import numpy as np

    script = bundled_folder().parent / "datasets" / "drawn" / "draw.py"
    if not script.exists():
        pytest.skip("drawing scripts are in the checkout only")
    target, argv, path = tmp_path / "shelf.jpg", sys.argv, list(sys.path)
    try:
        sys.argv = [str(script), "shelf", str(target)]
        runpy.run_path(str(script), run_name="__main__")
    finally:
        sys.argv, sys.path[:] = argv, path
    drawn, kept = (
        np.asarray(cv2.imread(str(file)), np.float64)
        for file in (target, bundled_folder() / "retail_shelves" / "samples" / "shelf.jpg")
    )
    assert np.abs(drawn - kept).mean() < 1.0
