"""The page in a real browser, on a labelled clip of two squares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from framelabel.workflows import label
from tests.assets import squares
from tests.browser.pages import CHROMIUM, FLAGS, PATIENCE_MS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests of this folder where there is no browser, and say what installs one."""
    if CHROMIUM is None:
        reason = "no Chromium on this machine (Debian: apt install chromium)"
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a headless browser."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with a labelled clip of two squares."""
    folder = tmp_path_factory.mktemp("page")
    clip = squares.write_clip(folder / "squares.mp4", 60)
    plugin = squares.write_plugin(folder / "plugin")
    project = folder / "squares.framelabel"
    label.run(label.LabelConfig(videos=(clip,), plugin=str(plugin), project=project))
    return project


@pytest.fixture
def project(labelled: Path, tmp_path: Path) -> Path:
    """Return a copy of that project that a test may change."""
    copy = tmp_path / "squares.framelabel"
    copy.write_bytes(labelled.read_bytes())
    return copy


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that opens the page as a person of its own; an error in a page fails the test at its end.

    What else it is given describes the person's browser, as Playwright's `new_context` takes it.
    """
    errors: list[str] = []
    contexts = []

    def open_page(url: str, **kind: Any) -> Page:
        options: dict[str, Any] = {"viewport": {"width": 1200, "height": 800}, **kind}
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)
        page.wait_for_selector("body[data-ready=yes]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []
