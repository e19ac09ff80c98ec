"""Change values of a YAML file and leave everything else as it stands: comments, order, spacing, the way it is written.

Only the text of what differs is replaced. The result is parsed again and must hold exactly the values asked for, so a
file is never written that says something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from framelabel.core.errors import InvalidManifestError, UsageError
from framelabel.plugins.yaml_lines import parse

Splice = tuple[int, int, str]
"""Start and end in the text, and what stands there instead."""


class _NotInPlaceError(Exception):
    """This change cannot be made inside the node; whoever holds the node replaces it as a whole."""


def edited(text: str, wanted: Mapping[str, Any], name: str) -> str:
    """Return the text with its values changed to `wanted`.

    Args:
        text: a YAML mapping.
        wanted: all its values afterwards; keys that are left out are removed.
        name: the file's name, for messages.

    Raises:
        InvalidManifestError: the text is not YAML.
        UsageError: the change cannot be made without touching what it should not (an alias, for example).
    """
    goal = plain(wanted)
    if plain(parse(text, name).values) == goal:
        return text
    for coarse in (False, True):
        changed = _spliced(text, goal, coarse=coarse)
        if changed is not None and _says(changed, goal, name):
            return changed
    raise UsageError(f"{name}: this change cannot be written without disturbing the rest of the file; edit it by hand")


def _says(text: str, goal: Mapping[str, Any], name: str) -> bool:
    try:
        return bool(plain(parse(text, name).values) == goal)
    except InvalidManifestError:
        return False


def plain(value: Any) -> Any:
    """Return a value with lists for tuples and dicts for mappings, as YAML and JSON know them."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value


def flow(value: Any) -> str:
    """Return a value as YAML in one line.

    >>> flow({"name": "gate", "line": [[0.1, 0.5], [0.9, 0.5]]})
    '{name: gate, line: [[0.1, 0.5], [0.9, 0.5]]}'
    """
    text = yaml.safe_dump(plain(value), default_flow_style=True, width=1 << 20, sort_keys=False, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...").rstrip("\n")


def _spliced(text: str, goal: Mapping[str, Any], *, coarse: bool) -> str | None:
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            return None
        splices = set(_mapping(text, loader, root, goal, coarse=coarse))
    except (yaml.YAMLError, _NotInPlaceError):
        return None
    finally:
        loader.dispose()
    for start, stop, instead in sorted(splices, reverse=True):
        text = text[:start] + instead + text[stop:]
    return text


def _change(text: str, loader: yaml.SafeLoader, node: yaml.Node, goal: Any, *, coarse: bool) -> Iterator[Splice]:
    """Yield what makes a node say `goal`."""
    if plain(_value(loader, node)) == goal:
        return
    try:
        if isinstance(node, yaml.MappingNode) and isinstance(goal, dict) and not coarse:
            yield from list(_mapping(text, loader, node, goal, coarse=coarse))
            return
        if isinstance(node, yaml.SequenceNode) and isinstance(goal, list) and not coarse:
            yield from list(_sequence(text, loader, node, goal))
            return
    except _NotInPlaceError:
        pass
    start, stop = node.start_mark.index, _end(node)
    is_block = isinstance(node, yaml.SequenceNode) and not node.flow_style
    yield start, stop, _written(goal, node.start_mark.column) if is_block else flow(goal)


def _mapping(
    text: str, loader: yaml.SafeLoader, node: yaml.MappingNode, goal: Mapping[str, Any], *, coarse: bool
) -> Iterator[Splice]:
    known = {str(key.value): (key, value) for key, value in node.value}
    if node.flow_style and (known.keys() != goal.keys()):
        raise _NotInPlaceError
    if any(key.value == "<<" for key, _ in node.value) or not known:
        raise _NotInPlaceError
    for name, (key, value) in known.items():
        if name not in goal:
            start = text.rfind("\n", 0, key.start_mark.index) + 1
            yield start, _line_end(text, _end(value)), ""
        else:
            yield from _change(text, loader, value, goal[name], coarse=coarse)
    added = [name for name in goal if name not in known]
    if added:
        first = node.value[0][0].start_mark
        end = _line_end(text, _end(node))
        lines = "".join(f"{' ' * first.column}{flow(name)}:{_after_key(goal[name], first.column)}\n" for name in added)
        yield end, end, lines if text[:end].endswith("\n") else f"\n{lines}"


def _sequence(text: str, loader: yaml.SafeLoader, node: yaml.SequenceNode, goal: list[Any]) -> Iterator[Splice]:
    old = [plain(_value(loader, item)) for item in node.value]
    if len(old) == len(goal):
        for item, value in zip(node.value, goal, strict=True):
            yield from _change(text, loader, item, value, coarse=False)
        return
    if node.flow_style or not old or not goal:
        raise _NotInPlaceError
    shared = min(len(old), len(goal))
    head = next((row for row in range(shared) if old[row] != goal[row]), shared)
    tail = next((row for row in range(shared - head) if old[-1 - row] != goal[-1 - row]), shared - head)
    column = node.start_mark.column
    for item in node.value[head : len(old) - tail]:
        start = text.rfind("\n", 0, item.start_mark.index) + 1
        yield start, _line_end(text, _end(item)), ""
    new = goal[head : len(goal) - tail]
    if head:
        place = _line_end(text, _end(node.value[head - 1]))
    else:
        place = text.rfind("\n", 0, node.value[0].start_mark.index) + 1
    lines = "".join(f"{' ' * column}- {flow(item)}\n" for item in new)
    yield place, place, lines if not place or text[:place].endswith("\n") else f"\n{lines}"


def _value(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        loader.flatten_mapping(node)
    return loader.construct_object(node, deep=True)


def _end(node: yaml.Node) -> int:
    """Return where the text of a node ends; a block's own mark lies behind the comments that follow it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _line_end(text: str, index: int) -> int:
    """Return the start of the next line, behind a comment at the end of this one."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1


def _after_key(value: Any, column: int) -> str:
    """Return what stands behind `key:`: a list of mappings one a line, all else in the same line."""
    if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        return "".join(f"\n{' ' * column}  - {flow(item)}" for item in value)
    return f" {flow(value)}"


def _written(value: Any, column: int) -> str:
    """Return a value that takes the place of a block's items at a column."""
    if isinstance(value, list) and value:
        return f"\n{' ' * column}".join(f"- {flow(item)}" for item in value)
    return flow(value)
