"""Everybody can use the page: fingers, big letters, screen readers, people who only look; and the dashboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Page

from framelabel.core.frames import VideoId
from framelabel.core.shapes import Polyline
from framelabel.core.tasks import Answer, Task, TaskKind
from framelabel.store.project import Project
from tests.assets import squares
from tests.browser.pages import place, said, seek, served

SIZE = squares.SIZE
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
CONTROLS = {
    *("button", "link", "combobox", "listbox", "textbox", "searchbox", "spinbutton", "slider", "checkbox", "radio"),
    *("ColorWell", "meter", "dialog", "application", "image", "img", "Canvas", "DisclosureTriangle"),
}
"""Roles, as Chromium tells them to screen readers, that need a name."""


def unnamed(page: Page) -> list[str]:
    """Return the roles of the controls that a screen reader would find without a name."""
    tools = page.context.new_cdp_session(page)
    nodes = tools.send("Accessibility.getFullAXTree")["nodes"]
    tools.detach()
    found = [node for node in nodes if not node["ignored"] and node["role"]["value"] in CONTROLS]
    assert len(found) > 20, "the tree is there"
    return [node["role"]["value"] for node in found if not node.get("name", {}).get("value", "").strip()]


def touch(tools: CDPSession, kind: str, points: list[tuple[float, float]]) -> None:
    """Send a touch as the screen would."""
    where = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    tools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": where})


def test_fingers_draw_zoom_and_move(visit: Callable[..., Page], project: Path) -> None:
    """One finger draws a box, two zoom about their middle and move the picture; a line is ended without a keyboard."""
    with served(project) as (_, [url]):
        page = visit(url, viewport={"width": 1024, "height": 768}, has_touch=True)
        seek(page, 10)
        tools = page.context.new_cdp_session(page)
        start, stop = place(page, SIZE, (2, 56)), place(page, SIZE, (20, 63))
        touch(tools, "touchStart", [start])
        touch(tools, "touchMove", [((start[0] + stop[0]) / 2, (start[1] + stop[1]) / 2)])
        touch(tools, "touchMove", [stop])
        touch(tools, "touchEnd", [])
        said(page, "draw red 3")
        x, y = place(page, SIZE, (48, 32))
        touch(tools, "touchStart", [(x - 40, y), (x + 40, y)])
        for reach in (60, 80, 120):
            touch(tools, "touchMove", [(x - reach, y), (x + reach, y)])
        # the browser hands moves over with its next picture, not with the touch
        page.wait_for_function("() => Math.abs(framelabel.stage.zoom - 3) <= 0.15")
        touch(tools, "touchMove", [(x - 120, y + 50), (x + 120, y + 50)])
        page.wait_for_function(
            "() => Math.abs(framelabel.stage.view.offset[1] - 50 * framelabel.stage.view.ratio) <= 8"
        )
        touch(tools, "touchEnd", [])
        with Project(project) as stored:
            assert len(stored.tracks(VideoId(1))) == 3
        page.select_option("#tool", "polyline")
        for step in (0, 60, 120):
            page.touchscreen.tap(x - step, y)
        page.tap("#takeBack")
        page.tap("#finish")
        said(page, "draw red 4")
        assert page.locator("#finish").is_hidden()
        with Project(project) as stored:
            [line] = [fact.shape for fact in stored.annotations(VideoId(1)) if fact.track_id == 4]
            assert isinstance(line, Polyline)
            assert len(line.points) == 2


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_readable_at_200_percent(visit: Callable[..., Page], project: Path, theme: str) -> None:
    """In a 1280 x 800 window at 200 % nothing is cut off sideways, every button can be reached, the picture is seen."""
    with served(project) as (_, [url]):
        page = visit(url, viewport={"width": 640, "height": 400}, device_scale_factor=2, color_scheme=theme)
        assert page.evaluate(SIDEWAYS) <= 0
        box = page.locator("#picture").bounding_box()
        assert box is not None
        assert box["height"] >= 200
        for name in ("#forward", "#undo", "#uncertain", "#help"):
            page.locator(name).scroll_into_view_if_needed()
            assert page.locator(name).is_visible()
        page.goto(url.split("/?")[0] + "/dashboard")
        page.wait_for_selector("body[data-ready=yes]")
        assert page.evaluate(SIDEWAYS) <= 0


def test_every_control_has_a_name(visit: Callable[[str], Page], project: Path) -> None:
    """A screen reader is told a name of every control, also of what is selected, and of the zones' form."""
    with served(project, "--plugin", "defects") as (_, [url]):
        page = visit(url)
        seek(page, 10)
        assert unnamed(page) == []
        page.keyboard.press("Tab")
        page.wait_for_selector("#selection dl")
        assert unnamed(page) == []
        page.click("#plugin-open")
        page.wait_for_selector("#score")
        assert unnamed(page) == []


def test_the_cheat_sheet_opens_at_its_top_and_escape_closes_it(visit: Callable[[str], Page], project: Path) -> None:
    """`?` shows the first keys first; Escape puts the sheet away and the page's keys work again."""
    with served(project) as (_, [url]):
        page = visit(url)
        page.locator("#picture").focus()
        page.keyboard.press("?")
        page.wait_for_function("() => document.querySelector('#sheet').open")
        assert page.evaluate("() => document.querySelector('#sheet').scrollTop") == 0
        page.keyboard.press("Escape")
        page.wait_for_function("() => !document.querySelector('#sheet').open")
        page.keyboard.press("End")
        page.wait_for_function("() => document.querySelector('#picture').dataset.frame == '59'")


def test_a_task_is_in_sight_when_it_is_taken(visit: Callable[..., Page], project: Path) -> None:
    """In a low window, too, the choices of the task that `t` hands out can be seen beside its picture."""
    with Project(project, write=True) as stored:
        stored.append_tasks([Task(TaskKind.TRACK, VideoId(1), 5, 6, 1)])
    with served(project) as (_, [url]):
        page = visit(url, viewport={"width": 1000, "height": 640})
        page.keyboard.press("t")
        page.wait_for_function("() => framelabel.task && framelabel.frame === 5 && framelabel.selected === 1")
        page.wait_for_function("""() => {
          const [panel, ...choices] = document.querySelectorAll('#aside, #task button');
          const [box, rest] = [panel.getBoundingClientRect(), choices.map((item) => item.getBoundingClientRect())];
          return rest.length > 1 && rest.every((item) => item.top >= box.top && item.bottom <= box.bottom);
        }""")


def test_a_link_for_looking_only(visit: Callable[[str], Page], project: Path) -> None:
    """Who may only look sees everything, is offered nothing that writes, and is refused when trying."""
    writes = ["edit", "undo", "redo", "task", "answer", "plugin/save", "plugin/events"]
    with served(project, "--share") as (_, urls):
        page = visit(urls[1])
        seek(page, 10)
        page.keyboard.press("Tab")
        page.wait_for_selector("#selection dl")
        assert not page.locator("#undo").is_visible()
        assert not page.locator("#tool").is_visible()
        assert not page.locator("#take").is_visible()
        assert not page.locator("#stitch").is_visible()
        assert page.locator("#selection button").count() == 0
        for name in writes:
            status = page.evaluate(
                "async name => (await fetch('/api/' + name, {method: 'POST', body: '{}',"
                " headers: {'content-type': 'application/json'}})).status",
                name,
            )
            assert status == 403
        with page.expect_download() as download:
            page.select_option("#format", "coco")
            page.click("#export")
        assert download.value.suggested_filename == "squares_coco.zip"


def test_the_dashboard_counts_what_people_did(visit: Callable[[str], Page], project: Path) -> None:
    """Counts, people, agreement and quality are those of the project, and follow an answer without a reload."""
    with Project(project, write=True) as stored:
        ids = stored.append_tasks([Task(TaskKind.TRACK, VideoId(1), 5, 6, 1, answers_wanted=2) for _ in range(4)])
        for number, task in enumerate(ids[:3]):
            for name in ("ada", "bob"):
                verdict = "reject" if number == 2 else "accept"
                stored.add_answer(Answer(task, name, verdict, 4.0, answered_at=f"2026-01-01T10:00:{10 * number:02}Z"))
        labels = sum(stored.label_counts().values())
    with served(project, "--annotator", "ada") as (_, [url]):
        page = visit(url)
        page.goto(url.split("/?")[0] + "/dashboard")
        page.wait_for_selector("body[data-ready=yes]")
        text = page.inner_text("#content")
        assert f"{labels:,}" in text
        assert "1 of 4" in text
        row = page.inner_text("tr:has(th:text-is('ada'))").split()
        assert row[:6] == ["ada", "3", "0", "0", "4", "360"]
        assert "alpha 1 " in text
        other = page.context.new_page()
        other.goto(url.split("/?")[0])
        other.wait_for_selector("body[data-ready=yes]")
        other.keyboard.press("t")
        other.wait_for_function("() => framelabel.task !== null")
        other.keyboard.press("Enter")
        page.wait_for_function("() => document.querySelector('#content').textContent.includes('answers7')")
