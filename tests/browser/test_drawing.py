"""Shapes, attributes and tags on the page: what is drawn is what is stored, corner by corner, and can be undone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from framelabel.core.annotations import Annotation
from framelabel.core.frames import Span, VideoId
from framelabel.core.labels import Flag
from framelabel.core.ontology import AttributeSpec, ClassSpec, Ontology
from framelabel.core.shapes import Keypoints, Polygon, Polyline
from framelabel.core.tracks import Visibility
from framelabel.store.project import Project
from tests.assets import squares
from tests.browser.pages import click_at, drag, said, seek, served

SIZE = squares.SIZE
CORNERS = [(30.0, 50.0), (60.0, 50.0), (60.0, 62.0), (40.0, 62.0)]


def newest(project: Path, frame: int = 10) -> Annotation:
    """Return the label of a frame that was stored last."""
    with Project(project) as stored:
        return max(stored.annotations(VideoId(1), Span(frame, frame + 1)), key=lambda fact: fact.id)


def draw(page: Page, key: str, points: list[tuple[float, float]]) -> None:
    """Choose a tool, click the corners, and end."""
    page.locator("#picture").focus()
    page.keyboard.press(key)
    for point in points:
        click_at(page, SIZE, point)
    page.keyboard.press("Enter")


def test_a_polygon_is_drawn_corrected_carried_and_undone(visit: Callable[[str], Page], project: Path) -> None:
    """Corners are where they were clicked; one is moved, one added, one removed; carrying moves the shape along."""
    with served(project) as (_, [url]):
        page = visit(url)
        seek(page, 10)
        draw(page, "q", CORNERS)
        said(page, "draw red 3")
        shape = newest(project).shape
        assert isinstance(shape, Polygon)
        np.testing.assert_allclose(shape.rings[0], CORNERS, atol=0.6)
        exact = page.evaluate("() => framelabel.stage.current().polygon[0]")
        np.testing.assert_allclose(shape.rings[0], exact, atol=0.01)
        drag(page, SIZE, CORNERS[0], (24, 46))
        said(page, "correct red 3")
        with page.expect_response("**/api/edit"):  # what is seen at once is stored when the server has answered
            drag(page, SIZE, (60, 56), (66, 56))
        page.wait_for_function("() => framelabel.stage.current()?.polygon[0].length === 5")
        shape = newest(project).shape
        assert isinstance(shape, Polygon)
        np.testing.assert_allclose(shape.rings[0], [(24, 46), CORNERS[1], (66, 56), *CORNERS[2:]], atol=0.6)
        with page.expect_response("**/api/edit"):
            click_at(page, SIZE, (66, 56), alt=True)
        page.wait_for_function("() => framelabel.stage.current()?.polygon[0].length === 4")
        page.keyboard.press("p")
        said(page, "carry 3")
        shape = newest(project, 12).shape
        assert isinstance(shape, Polygon)
        assert len(shape.rings[0]) == 4
        for title in ("carry 3", "correct red 3", "correct red 3", "correct red 3", "draw red 3"):
            page.keyboard.press("z")
            said(page, f"undo: {title}")
        with Project(project) as stored:
            assert [track.id for track in stored.tracks(VideoId(1))] == [1, 2]


@pytest.mark.parametrize(
    ("key", "kind", "points"),
    [("l", Polyline, CORNERS[:3]), (".", Keypoints, CORNERS[:2]), (".", Keypoints, CORNERS[:1])],
    ids=["line", "points", "one-point"],
)
def test_lines_and_points(
    visit: Callable[[str], Page],
    project: Path,
    key: str,
    kind: type[Polyline | Keypoints],
    points: list[tuple[float, float]],
) -> None:
    """A line and points are stored as clicked; Backspace takes the last corner back."""
    with served(project) as (_, [url]):
        page = visit(url)
        seek(page, 10)
        page.locator("#picture").focus()
        page.keyboard.press(key)
        for point in [*points, (90.0, 5.0)]:
            click_at(page, SIZE, point)
        page.keyboard.press("Backspace")
        page.keyboard.press("Enter")
        said(page, "draw red 3")
        shape = newest(project).shape
        assert isinstance(shape, kind)
        np.testing.assert_allclose(shape.points, points, atol=0.6)


def test_states_attributes_and_tags(visit: Callable[[str], Page], project: Path) -> None:
    """Occluded, truncated, attributes of track and frame, and frame tags are set on the page and stored as such."""
    with Project(project, write=True) as stored:
        names = stored.ontology.names
        stored.extend_ontology(
            Ontology(
                (
                    *(ClassSpec(name) for name in names),
                    ClassSpec(
                        "lorry",
                        attributes=(
                            AttributeSpec("colour", ("red", "blue"), None, mutable=False),
                            AttributeSpec("doors", ("open", "shut")),
                        ),
                    ),
                ),
                (AttributeSpec("weather", ("dry", "rain")),),
            )
        )
    with served(project) as (_, [url]):
        page = visit(url)
        seek(page, 10)
        page.select_option("#class", "lorry")
        drag(page, SIZE, (2, 58), (12, 63))
        said(page, "draw lorry 3")
        page.keyboard.press("c")
        page.wait_for_function("() => framelabel.frame === 11")
        seek(page, 10)
        page.select_option("#attribute-colour", label="blue")
        said(page, "3: colour blue")
        page.select_option("#attribute-reach", "here")
        page.select_option("#attribute-doors", label="open")
        said(page, "3: doors open")
        page.locator("#picture").focus()
        page.keyboard.press("o")
        page.wait_for_function("() => framelabel.stage.current()?.visibility === 1")
        page.keyboard.press("h")
        page.wait_for_function("() => framelabel.stage.current()?.flags & 2")
        page.keyboard.press("Escape")
        page.select_option("#tag-weather", label="rain")
        said(page, "tag frame 10")
        page.fill("#new-tag", "night")
        page.get_by_role("button", name="Tag frame").click()
        page.wait_for_selector("#tag-night")
        with Project(project) as stored:
            facts = {fact.frame: fact for fact in stored.annotations(VideoId(1), None, [3])}
            tags = [fact for fact in stored.annotations(VideoId(1), Span(10, 11)) if fact.class_id < 0]
        assert facts[10].attributes == {"colour": "blue", "doors": "open"}
        assert facts[11].attributes == {"colour": "blue"}
        assert facts[10].visibility == Visibility.OCCLUDED
        assert facts[10].flags == Flag.TRUNCATED
        assert [tag.attributes for tag in tags] == [{"weather": "rain", "night": True}]
