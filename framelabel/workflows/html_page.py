"""A report as one HTML file that needs nothing else: tables, SVG plots and pictures inside it."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence
from pathlib import Path

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #1c1c1c;
  background: #fff; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
p.note { color: #555; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .6rem 0; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; } th { border-bottom-color: #888; font-weight: 600; }
.row { display: flex; flex-wrap: wrap; gap: 1rem; } .row > * { flex: 1 1 26rem; min-width: 0; }
svg { max-width: 100%; height: auto; } figure { margin: 0; } figcaption { color: #555; font-size: .9rem; }
img { max-width: 100%; height: auto; display: block; }
.wide { overflow-x: auto; }
""".strip()


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
        """Add a table; the first column names the rows."""
        first = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
        body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
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
        self._parts.append(f'<div class="row">{"".join(figures)}</div>')

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
