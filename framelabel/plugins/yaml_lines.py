"""YAML that remembers where every key stands, so that an error can name its line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from framelabel.core.errors import InvalidManifestError

_MOST_CHARACTERS = 1_000_000
_MOST_VALUES = 50_000
_DEEPEST = 30
_PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")

Location = tuple[str | int, ...]
"""Keys and positions from the document's root, as pydantic writes them."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed YAML file. Lists are tuples, so that the values can be frozen."""

    name: str
    """The file's name as shown in messages."""
    values: Any
    lines: Mapping[Location, int]
    """1-based line of each key and list item."""

    def where(self, location: Location) -> str:
        r"""Return "file:line" of a location, or of the nearest one around it.

        >>> parse("a:\n  b: 1\n", "x.yaml").where(("a", "b", "missing"))
        'x.yaml:2'
        """
        for stop in range(len(location), 0, -1):
            line = self.lines.get(location[:stop])
            if line is not None:
                return f"{self.name}:{line}"
        return f"{self.name}:1"


def parse(text: str, name: str) -> Document:
    """Parse YAML text; only plain values, no tags that build objects.

    Raises:
        InvalidManifestError: not YAML, or a key written twice; the message names the line.
    """
    if len(text) > _MOST_CHARACTERS:
        msg = f"{name}:1: {len(text)} characters are more than a manifest may have ({_MOST_CHARACTERS})"
        raise InvalidManifestError(msg)
    lines: dict[Location, int] = {}
    loader = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        values = None if node is None else _build(loader, node, (), lines, name)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        msg = f"{name}:{line}: not valid YAML: {error.problem or error.context}"
        raise InvalidManifestError(msg) from error
    except yaml.YAMLError as error:
        msg = f"{name}:1: not valid YAML: {' '.join(str(error).split())}"
        raise InvalidManifestError(msg) from error
    finally:
        if loader is not None:
            loader.dispose()
    return Document(name, values, lines)


def _build(loader: yaml.SafeLoader, node: yaml.Node, path: Location, lines: dict[Location, int], name: str) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if len(lines) > _MOST_VALUES or len(path) > _DEEPEST:
        msg = f"{name}:{node.start_mark.line + 1}: too many or too deeply nested values (repeated aliases?)"
        raise InvalidManifestError(msg)
    if not isinstance(node, yaml.ScalarNode) and node.tag not in _PLAIN_TAGS:
        msg = f"{name}:{node.start_mark.line + 1}: not valid YAML: the tag {node.tag} is not allowed"
        raise InvalidManifestError(msg)
    if isinstance(node, yaml.MappingNode):
        loader.flatten_mapping(node)
        values: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node)
            line = key_node.start_mark.line + 1
            if not isinstance(key, str):
                msg = f"{name}:{line}: key {key!r} is not a word; put it in quotes"
                raise InvalidManifestError(msg)
            if key in values:
                msg = f"{name}:{line}: key '{key}' is written twice"
                raise InvalidManifestError(msg)
            lines[(*path, key)] = line
            values[key] = _build(loader, value_node, (*path, key), lines, name)
        return values
    if isinstance(node, yaml.SequenceNode):
        return tuple(_build(loader, item, (*path, index), lines, name) for index, item in enumerate(node.value))
    return loader.construct_object(node)
