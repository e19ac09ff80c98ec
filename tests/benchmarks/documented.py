"""Tables that benchmarks write into the documentation, each between two marks that carry its name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def put(page: str, name: str, lines: Iterable[str], *, folder: Path = DOCS) -> None:
    """Replace what stands between `<!-- NAME: begin -->` and `<!-- NAME: end -->` in a page ("routing").

    Raises:
        ValueError: the page has no such marks; it is left as it is.
    """
    before, _, after = _parts(page, name, folder)
    (folder / f"{page}.md").write_text(f"{before}\n" + "\n".join(lines) + f"\n{after}", "utf-8")


def table(page: str, name: str, *, folder: Path = DOCS) -> list[str]:
    """Return the lines that stand there now.

    Raises:
        ValueError: the page has no such marks.
    """
    return _parts(page, name, folder)[1].strip("\n").splitlines()


def _parts(page: str, name: str, folder: Path) -> tuple[str, str, str]:
    """Return what comes up to the first mark, between the two, and from the second on."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, first, rest = (folder / f"{page}.md").read_text("utf-8").partition(begin)
    between, second, after = rest.partition(end)
    if not first or not second:
        msg = f"docs/{page}.md has no marks {begin} and {end}"
        raise ValueError(msg)
    return before + first, between, second + after
