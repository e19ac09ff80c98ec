"""What goes wrong loses nothing: a full disk, a lost line, a reload in between, a second tab, a lost answer."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, Route

from framelabel.core.frames import VideoId
from framelabel.store.project import Project
from tests.assets import squares
from tests.browser.pages import drag, said, seek, served

SIZE = squares.SIZE
NO_LIMIT = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def tracks(project: Path) -> list[int]:
    """Return the ids of the stored objects."""
    with Project(project) as stored:
        return [track.id for track in stored.tracks(VideoId(1))]


def test_a_full_disk_is_said_and_what_was_drawn_is_saved_later(visit: Callable[[str], Page], project: Path) -> None:
    """While the disk takes nothing the page says so and keeps the change, over a reload too; then it is saved once."""
    with served(project) as (process, [url]):
        page = visit(url)
        seek(page, 10)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        drag(page, SIZE, (2, 58), (12, 63))
        said(page, "not saved yet")
        said(page, "could not be written")
        assert page.inner_text("#unsaved") == "1 not saved yet"
        page.reload()
        page.wait_for_selector("body[data-ready=yes]")
        page.wait_for_function("() => document.querySelector('#unsaved').textContent === '1 not saved yet'")
        assert tracks(project) == [1, 2]
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, NO_LIMIT)
        # the page also tries again by itself every five seconds, and may be quicker than a person who presses
        page.evaluate("() => document.querySelector('#unsaved').click()")
        said(page, "everything is saved")
        assert page.locator("#unsaved").is_hidden()
        assert len(tracks(project)) == 3
        page.wait_for_function("() => framelabel.timeline.rows.length === 3")


def test_a_lost_line_is_said_and_sent_when_it_is_back(visit: Callable[[str], Page], project: Path) -> None:
    """Two changes made while the line is down are sent in order when it is back, without anybody pressing anything."""
    with served(project) as (_, [url]):
        page = visit(url)
        seek(page, 10)
        page.context.set_offline(True)
        drag(page, SIZE, (2, 58), (12, 63))
        said(page, "not saved yet")
        drag(page, SIZE, (84, 58), (94, 63))
        page.wait_for_function("() => document.querySelector('#unsaved').textContent === '2 not saved yet'")
        page.context.set_offline(False)
        said(page, "everything is saved")
        assert tracks(project) == [1, 2, 3, 4]


def test_an_answer_lost_on_the_way_doubles_nothing(visit: Callable[[str], Page], project: Path) -> None:
    """The server stores a box but its answer is lost; the page sends it again, and there is one box, not two."""
    with served(project) as (_, [url]):
        page = visit(url)
        seek(page, 10)
        lost: list[int] = []

        def lose(route: Route) -> None:
            if not lost:
                lost.append(route.fetch().status)
                route.abort()
            else:
                route.continue_()

        page.route("**/api/edit", lose)
        drag(page, SIZE, (2, 58), (12, 63))
        said(page, "everything is saved")
        assert lost == [200]
        assert tracks(project) == [1, 2, 3]
        page.keyboard.press("z")
        said(page, "undo: draw red 3")


def test_what_is_not_there_is_not_tried_again(visit: Callable[[str], Page], project: Path) -> None:
    """A frame, a video or a format that does not exist is answered with 404 and one line, not as a failing server."""
    with served(project) as (_, [url]):
        page = visit(url)
        for address in ("videos/1/frames/999", "videos/7/timeline", "export/word"):
            said_so = page.evaluate(
                "async (path) => { const got = await fetch('/api/' + path); return [got.status, await got.text()]; }",
                address,
            )
            assert said_so[0] == 404
            assert "error" in said_so[1]


def test_two_tabs_of_one_person_agree(visit: Callable[[str], Page], project: Path) -> None:
    """What one tab draws, the other shows; either undoes it, and both show that."""
    with served(project) as (_, [url]):
        first = visit(url)
        second = first.context.new_page()
        second.goto(url.split("/?")[0])
        second.wait_for_selector("body[data-ready=yes]")
        for tab in (first, second):
            seek(tab, 10)
        drag(first, SIZE, (2, 58), (12, 63))
        said(first, "draw red 3")
        second.wait_for_function("() => framelabel.stage.labels.length === 3")
        second.locator("#picture").focus()
        second.keyboard.press("z")
        said(second, "undo: draw red 3")
        first.wait_for_function("() => framelabel.stage.labels.length === 2")
        assert tracks(project) == [1, 2]


HOLD = """() => {
  const real = window.fetch;
  window.fetch = async (path, options) => {
    const answer = await real(path, options);
    if (String(path).includes('/labels?') && !window.release) await new Promise((go) => { window.release = go; });
    return answer;
  };
}"""
"""The next answer with labels waits, already read by the server, until `release` is called."""


def test_an_answer_overtaken_by_a_change_is_not_what_stays_on_screen(
    visit: Callable[[str], Page], project: Path
) -> None:
    """Labels that were on their way when something was drawn are shown at most until the new ones are here."""
    with served(project) as (_, [url]):
        page = visit(url)
        seek(page, 10)
        page.evaluate(HOLD)
        page.evaluate("() => { framelabel.refresh(0, 60, []); }")
        page.wait_for_function("() => window.release")
        drag(page, SIZE, (2, 58), (12, 63))
        page.wait_for_function("() => framelabel.selected === 3")
        page.evaluate("() => release()")
        page.wait_for_function("() => framelabel.stage.labels.some((label) => label.track === 3)")


def test_an_answer_does_not_take_the_selection_back(visit: Callable[[str], Page], project: Path) -> None:
    """What a person picks while a change is being saved stays picked."""
    with served(project) as (_, [url]):
        page = visit(url)
        seek(page, 10)
        page.evaluate("() => framelabel.pick(1)")
        page.evaluate("""() => {
          const { xyxy } = framelabel.stage.current();
          window.saved = framelabel.edit({ action: 'box', track: 1, frame: 10, xyxy });
          framelabel.pick(null);
        }""")
        page.evaluate("() => window.saved")
        assert page.evaluate("() => framelabel.selected") is None
