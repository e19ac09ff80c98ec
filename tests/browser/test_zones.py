"""Zones, rules and thresholds on the page: drawn and tried on the frame that is shown, written as valid YAML."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from framelabel import plugins
from framelabel.store.project import Project
from framelabel.workflows import label
from tests.assets import squares
from tests.browser.pages import click_at, drag, said, seek, served

SIZE = squares.SIZE


def found(page: Page, text: str) -> None:
    """Wait until the form says what the plugin finds in this frame, or what is wrong with it."""
    page.wait_for_function("text => document.querySelector('#plugin-found')?.textContent.includes(text)", arg=text)


@pytest.fixture
def plugin(project: Path) -> Path:
    """Return the folder of a plugin of the user's own, with a comment in its plugin.yaml."""
    folder = squares.write_plugin(project.parent / "plugin")
    file = folder / "plugin.yaml"
    file.write_text("# our camera at the gate\n" + file.read_text("utf-8"), "utf-8")
    return folder


def test_zone_line_and_threshold(visit: Callable[[str], Page], project: Path, plugin: Path) -> None:
    """A zone and a line are drawn, a corner moved, a rule added; boxes and events change at once; the file is right."""
    with served(project, "--plugin", str(plugin)) as (_, [url]):
        page = visit(url)
        seek(page, 30)
        page.click("#plugin-open")
        found(page, "2 boxes")
        drag(page, SIZE, (0, 0), (48, 63))
        page.wait_for_selector("#zone-name-0")
        drag(page, SIZE, (48, 63), (72, 63))
        page.keyboard.press("l")
        for point in ((10, 10), (80, 20)):
            click_at(page, SIZE, point)
        page.keyboard.press("Enter")
        page.wait_for_selector("#zone-name-1")
        page.fill("#zone-name-0", "gate")
        page.locator("#zone-name-0").press("Tab")
        page.get_by_role("button", name="Add rule").click()
        page.select_option("#rule-more-0", "inside")
        page.fill("#rule-0-inside", "gat")
        page.locator("#rule-0-inside").press("Tab")
        found(page, "'gate'")
        page.fill("#rule-0-inside", "gate")
        page.locator("#rule-0-inside").press("Tab")
        found(page, "rule_1 1")
        page.locator("#score").fill("1")
        found(page, "0 boxes")
        page.locator("#score").fill("0.4")
        found(page, "2 boxes")
        page.click("#plugin-save")
        said(page, "saved")
        page.get_by_role("button", name="Find events anew").click()
        said(page, "1 events stored")
        page.locator("#plugin").get_by_role("button", name="Close").click()
        page.wait_for_function("() => framelabel.stage.labels.length === 2")
    text = (plugin / "plugin.yaml").read_text("utf-8")
    assert text.startswith("# our camera at the gate\n")
    manifest = plugins.load(plugin)
    zone, line = manifest.zones
    assert zone.name == "gate"
    np.testing.assert_allclose(np.array(zone.polygon) * SIZE, [(0, 0), (48, 0), (72, 63), (0, 63)], atol=0.7)
    np.testing.assert_allclose(np.array(line.line) * SIZE, [(10, 10), (80, 20)], atol=0.7)
    assert manifest.model.score_threshold == 0.4
    assert manifest.rules[0]["inside"] == "gate"
    with Project(project) as stored:
        assert [event.rule for event in stored.events()] == ["rule_1"]


def test_the_page_says_when_the_file_has_changed(visit: Callable[[str], Page], project: Path, plugin: Path) -> None:
    """What somebody wrote into plugin.yaml meanwhile is not overwritten."""
    with served(project, "--plugin", str(plugin)) as (_, [url]):
        page = visit(url)
        page.click("#plugin-open")
        page.wait_for_selector("#score")
        file = plugin / "plugin.yaml"
        file.write_text(file.read_text("utf-8") + "# by hand\n", "utf-8")
        page.locator("#score").fill("0.7")
        page.click("#plugin-save")
        said(page, "has changed since")
        assert file.read_text("utf-8").endswith("# by hand\n")


def test_a_project_without_a_plugin_shows_no_form(visit: Callable[[str], Page], tmp_path: Path) -> None:
    """Labels of a plugin folder that is not named to the page: the form is not offered, all else works."""
    clip = squares.write_clip(tmp_path / "squares.mp4", 5)
    project = tmp_path / "p.framelabel"
    folder = squares.write_plugin(tmp_path / "plugin")
    label.run(label.LabelConfig(videos=(clip,), plugin=str(folder), project=project))
    with served(project) as (_, [url]):
        assert not visit(url).locator("#plugin-open").is_visible()
