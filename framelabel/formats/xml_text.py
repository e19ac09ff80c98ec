"""XML read without entities, network or deep trees, and XML written as escaped text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from framelabel.core.errors import InvalidLabelsError
from framelabel.formats.files import head_of

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SAFE: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "huge_tree": False,
    "recover": False,
    "remove_comments": True,
    "remove_pis": True,
}


def elements(path: Path, *tags: str) -> Iterator[Any]:
    """Yield the finished elements with these tags, in order of their ends; each is emptied afterwards.

    Raises:
        InvalidLabelsError: not well-formed XML, or it declares a document type (entities are never expanded).
    """
    if b"<!DOCTYPE" in head_of(path, 1 << 12) or b"<!ENTITY" in head_of(path, 1 << 12):
        raise InvalidLabelsError(f"{path}: declares a document type; label files need none, remove the <!DOCTYPE")
    try:
        for _, element in etree.iterparse(str(path), events=("end",), tag=tags, **_SAFE):
            yield element
            element.clear()
            while (previous := element.getprevious()) is not None and (parent := element.getparent()) is not None:
                parent.remove(previous)
    except etree.XMLSyntaxError as error:
        raise InvalidLabelsError(f"{path}: {_reason(error)}") from None
    except (OSError, UnicodeError) as error:
        raise InvalidLabelsError(f"{path}: cannot be read: {' '.join(str(error).split())[:200]}") from None


def tree(path: Path) -> Any:
    """Return the root element of a small file.

    Raises:
        InvalidLabelsError: as `elements`.
    """
    if b"<!DOCTYPE" in head_of(path, 1 << 12):
        raise InvalidLabelsError(f"{path}: declares a document type; label files need none, remove the <!DOCTYPE")
    try:
        return etree.parse(str(path), etree.XMLParser(**_SAFE)).getroot()
    except etree.XMLSyntaxError as error:
        raise InvalidLabelsError(f"{path}: {_reason(error)}") from None
    except (OSError, UnicodeError) as error:
        raise InvalidLabelsError(f"{path}: cannot be read: {' '.join(str(error).split())[:200]}") from None


def _reason(error: etree.XMLSyntaxError) -> str:
    line = f"line {error.lineno}: " if error.lineno else ""
    return f"{line}not well-formed XML: {' '.join(str(error.msg).split())[:200]}"


def root_tag(path: Path) -> str:
    """Return the name of a file's first element; "" when it is no XML. Never raises."""
    found = re.search(rb"<([A-Za-z_][\w.-]*)[\s/>]", re.sub(rb"<[?!][^>]*>", b"", head_of(path, 1 << 12)))
    return found.group(1).decode("ascii", "replace") if found else ""


def text(value: object) -> str:
    """Return a value as element content; characters that XML cannot hold become "?"."""
    return escape(_FORBIDDEN.sub("?", str(value)))


def attribute(value: object) -> str:
    """Return a value as a quoted attribute."""
    return quoteattr(_FORBIDDEN.sub("?", str(value)), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def is_clean(value: str) -> bool:
    """Return whether XML can hold every character of a text."""
    return _FORBIDDEN.search(value) is None


def content(element: Any, path: str, default: str = "") -> str:
    """Return the text of a child, stripped; `default` when there is none."""
    found = element.findtext(path)
    return default if found is None else str(found).strip()
