"""Labels that were imported without objects, and masks: seen as they are, corrected like any other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from framelabel.core.annotations import Annotation, Origin, Provenance
from framelabel.core.boxes import NO_TRACK
from framelabel.core.frames import Span, VideoId
from framelabel.core.shapes import Mask
from framelabel.store.project import Project
from tests.assets import squares
from tests.browser.pages import click_at, drag, said, seek, served

SIZE = squares.SIZE
IMPORTED = Provenance(Origin.IMPORT, "coco")
FRAME = 59
BOXES = [(20.0, 6.0, 30.0, 16.0), (60.0, 6.0, 70.0, 16.0)]
READ_MARK = """([x, y]) => {
  const canvas = document.querySelector('#marks'), { scale, origin } = framelabel.stage.view;
  return [...canvas.getContext('2d').getImageData(origin[0] + x * scale, origin[1] + y * scale, 1, 1).data];
}"""


def ring() -> Mask:
    """Return a square ring of pixels: 40 to 52, with a hole from 44 to 48."""
    pixels = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    pixels[40:52, 40:52] = 1
    pixels[44:48, 44:48] = 0
    column = pixels.T.ravel()
    edges = np.flatnonzero(np.diff(column)) + 1
    return Mask(SIZE, np.diff([0, *edges, len(column)]).astype(np.int64))


@pytest.fixture
def loose(project: Path) -> tuple[Path, list[int]]:
    """Return the project with two boxes and a mask that belong to no object, and their ids."""
    with Project(project, write=True) as opened:
        facts = [Annotation(VideoId(1), FRAME, 0, box, IMPORTED) for box in BOXES]
        facts.append(Annotation(VideoId(1), FRAME, 1, (40, 40, 52, 52), IMPORTED, shape=ring()))
        ids = opened.append(facts)
    return project, ids


def stored(project: Path) -> dict[int, Annotation]:
    """Return the current labels of the frame by the id that they came from."""
    with Project(project) as opened:
        facts = opened.annotations(VideoId(1), Span(FRAME, FRAME + 1))
        return {fact.track_id if fact.track_id != NO_TRACK else -fact.id: fact for fact in facts}


def test_a_label_of_no_object_is_corrected_as_what_it_is(
    visit: Callable[[str], Page], loose: tuple[Path, list[int]]
) -> None:
    """Only the label that is dragged moves, and becomes an object; the other stays; two undos give it back."""
    project, ids = loose
    with served(project) as (_, [url]):
        page = visit(url)
        seek(page, FRAME)
        click_at(page, SIZE, (65, 11))
        drag(page, SIZE, (65, 11), (75, 21))
        said(page, "correct red 3")
        found = stored(project)
        np.testing.assert_allclose(found[3].xyxy, (70, 16, 80, 26), atol=0.6)
        assert -ids[0] in found, "the other one is as it was"
        assert -ids[1] not in found
        assert page.evaluate("() => framelabel.selected") == 3
        page.keyboard.press("z")
        said(page, "undo: correct red 3")
        page.keyboard.press("z")
        said(page, "undo: make red 3 of a label")
        assert -ids[1] in stored(project)


def test_a_label_of_no_object_takes_keys_too(visit: Callable[[str], Page], loose: tuple[Path, list[int]]) -> None:
    """Clicked, its class is changed by a number key: a person answers for it then; deleted, the other one stays."""
    project, ids = loose
    with served(project, "--annotator", "ada") as (_, [url]):
        page = visit(url)
        seek(page, FRAME)
        click_at(page, SIZE, (25, 11))
        assert "import" in page.inner_text("dt:text-is('made by') + dd")
        page.keyboard.press("2")
        said(page, "3 is green")
        assert stored(project)[3].class_id == 1
        assert page.inner_text("dt:text-is('made by') + dd") == "ada, taken over"
        page.keyboard.press("Enter")
        page.wait_for_selector("dt:text-is('made by') + dd:text-is('ada, drawn or accepted')")
        page.keyboard.press("Delete")
        said(page, "delete 3")
        assert 3 not in stored(project)
        assert -ids[1] in stored(project)


def test_a_mask_is_seen_pixel_by_pixel(visit: Callable[[str], Page], loose: tuple[Path, list[int]]) -> None:
    """The ring is tinted, its hole and its surroundings are not."""
    with served(loose[0]) as (_, [url]):
        page = visit(url)
        seek(page, FRAME)
        page.wait_for_function("() => framelabel.stage.labels.some((label) => label.mask)")
        inside = [page.evaluate(READ_MARK, [x, y])[3] for x, y in ((42.5, 46.5), (49.5, 42.5), (46.5, 49.5))]
        outside = [page.evaluate(READ_MARK, [x, y])[3] for x, y in ((46.0, 46.0), (36.0, 46.0), (46.0, 56.0))]
        assert all(50 < alpha < 200 for alpha in inside)
        assert outside == [0, 0, 0]
