"""A report as one HTML file that needs nothing else: tables, SVG plots and pictures inside it."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

_FIGURE = re.compile(r"[+-]?\d[\d,.]*%?(( to | of |x)[\d,.]+%?)?( [a-z]{1,3})?")
_STYLE = """
:root { color-scheme: light dark; --ink: #1c1c1c; --soft: #555; --line: #ddd; --rule: #888; --ground: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e6; --soft: #a8a8a8; --line: #3a3a3a; --rule: #6a6a6a; --ground: #161616; }
}
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: var(--ink);
  background: var(--ground); }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
p.note { color: var(--soft); } table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .6rem 0; }
th, td { padding: .25rem .7rem; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: break-word; }
.number { text-align: right; white-space: nowrap; } th { border-bottom-color: var(--rule); font-weight: 600; }
.row { display: flex; flex-wrap: wrap; gap: 1rem; } .row > * { flex: 1 1 26rem; min-width: 0; }
svg { max-width: 100%; height: auto; background: #fff; border-radius: .4rem; }
figure { margin: 0; } figcaption { color: var(--soft); font-size: .9rem; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem; }
.pictures img { width: 100%; height: 13rem; object-fit: contain; background: var(--line); border-radius: .4rem; }
.wide { overflow-x: auto; }
""".strip()


def _is_figure(cell: str) -> bool:
    """Tell whether a cell holds a number, an interval or a size, with at most a short unit.

    >>> _is_figure("17.88% to 24.85%"), _is_figure("512x345"), _is_figure("-"), _is_figure("track 8")
    (True, True, True, False)
    """
    return cell == "-" or bool(_FIGURE.fullmatch(cell))


class Page:
    """Collects the parts of a report in order; everything given as text is escaped."""

    def __init__(self, title: str, subtitle: str = "") -> None:
        self._title = title
        self._parts = [f"<h1>{html.escape(title)}</h1>"]
        if subtitle:
            self.note(subtitle)

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._parts.append(f"<h2>{html.escape(text)}</h2>")

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self._parts.append(f"<p>{html.escape(text)}</p>")

    def note(self, text: str) -> None:
        """Add a paragraph that explains."""
        self._parts.append(f'<p class="note">{html.escape(text)}</p>')

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Add a table; the first column names the rows, columns of figures are set flush right."""
        body_rows = [tuple(row) for row in rows]
        kinds = [
            ' class="number"' if place and body_rows and all(_is_figure(row[place]) for row in body_rows) else ""
            for place in range(len(head))
        ]
        first = "".join(f"<th{kind}>{html.escape(cell)}</th>" for kind, cell in zip(kinds, head, strict=True))
        body = "".join(
            "<tr>"
            + "".join(f"<td{kind}>{html.escape(cell)}</td>" for kind, cell in zip(kinds, row, strict=True))
            + "</tr>"
            for row in body_rows
        )
        self._parts.append(f'<div class="wide"><table><tr>{first}</tr>{body}</table></div>')

    def plots(self, drawings: Sequence[str]) -> None:
        """Add SVG plots side by side."""
        inside = "".join(f"<figure>{drawing}</figure>" for drawing in drawings)
        self._parts.append(f'<div class="row">{inside}</div>')

    def pictures(self, pictures: Sequence[tuple[bytes, str]]) -> None:
        """Add JPEG pictures with captions, side by side."""
        figures = []
        for content, caption in pictures:
            data = base64.b64encode(content).decode()
            text = html.escape(caption)
            picture = f'<img alt="{text}" src="data:image/jpeg;base64,{data}">'
            figures.append(f"<figure>{picture}<figcaption>{text}</figcaption></figure>")
        self._parts.append(f'<div class="pictures">{"".join(figures)}</div>')

    def render(self) -> str:
        """Return the whole page."""
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{html.escape(self._title)}</title><style>{_STYLE}</style></head><body>\n"
            + "\n".join(self._parts)
            + "\n</body></html>\n"
        )

    def write(self, path: Path) -> None:
        """Write the page, making its folder when it is missing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.render(), encoding="utf-8")
