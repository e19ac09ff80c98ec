"""Measured tables in the documentation: each stands between marks, and a benchmark writes it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.benchmarks.documented import DOCS, put, table

BENCHMARKS = "\n".join(path.read_text("utf-8") for path in (DOCS.parent / "tests" / "benchmarks").glob("*.py"))
MARK = re.compile(r"<!-- ([a-z-]+): (begin|end) -->")
PAGES = [path.stem for path in sorted(DOCS.glob("*.md")) if MARK.search(path.read_text("utf-8"))]


def test_only_what_stands_between_the_marks_is_replaced(tmp_path: Path) -> None:
    """Other tables and the text around stay; written twice, the page is the same."""
    page = tmp_path / "speed.md"
    page.write_text(
        "# Speed\n<!-- a: begin -->\nold\n<!-- a: end -->\nkept\n<!-- b: begin -->\nother\n<!-- b: end -->\n"
    )
    put("speed", "a", ["| new |", "|---|"], folder=tmp_path)
    expected = (
        "# Speed\n<!-- a: begin -->\n| new |\n|---|\n<!-- a: end -->\nkept\n<!-- b: begin -->\nother\n<!-- b: end -->\n"
    )
    assert page.read_text() == expected
    put("speed", "a", table("speed", "a", folder=tmp_path), folder=tmp_path)
    assert page.read_text() == expected


@pytest.mark.parametrize("text", ["no marks\n", "<!-- a: begin -->\nnever ends\n"], ids=["none", "one"])
def test_a_page_without_marks_is_left_alone(tmp_path: Path, text: str) -> None:
    """A table that has no place is said, not put at the end of the page or over the rest of it."""
    page = tmp_path / "speed.md"
    page.write_text(text)
    with pytest.raises(ValueError, match=r"docs/speed\.md has no marks"):
        put("speed", "a", ["new"], folder=tmp_path)
    assert page.read_text() == text


@pytest.mark.parametrize("page", PAGES)
def test_every_marked_table_has_a_benchmark(page: str) -> None:
    """Marks come in pairs, and a benchmark writes tables of this page."""
    marks = MARK.findall((DOCS / f"{page}.md").read_text("utf-8"))
    assert [kind for _, kind in marks] == ["begin", "end"] * (len(marks) // 2)
    assert [name for name, _ in marks[::2]] == [name for name, _ in marks[1::2]]
    assert f'put("{page}"' in BENCHMARKS
