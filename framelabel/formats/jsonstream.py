"""JSON files larger than memory allows as objects: arrays come in blocks of elements, the rest as one small value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from types import MappingProxyType
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from framelabel.core.errors import InvalidLabelsError

MAX_DEPTH = 64
"""No label format nests deeper; hostile files do."""

REST = ""
"""The key under which everything that is not in a top-level array comes, last."""

Shortcut = Callable[[bytes], "tuple[Sized, int] | None"]
"""Takes text that starts between two elements; returns what it read of it in bulk and how many bytes these elements
take, or None when they must be read one by one."""
NO_SHORTCUTS: Mapping[str, Shortcut] = MappingProxyType({})
_LONGEST_ELEMENT = 1 << 23
"""Bytes; the rest of a longer one is not looked at again for a shortcut with every block."""
_DEPTH_OF = np.zeros(256, np.int8)
for _character, _step in zip(b"[{]}", (1, 1, -1, -1), strict=True):
    _DEPTH_OF[_character] = _step
_KEY = re.compile(rb'"((?:[^"\\]|\\.)*)"\s*:\s*$')


class _Scanner:
    """Finds brackets outside strings, block by block."""

    def __init__(self) -> None:
        self.in_string = 0
        self.depth = 0
        self.is_escaped = False

    def restart(self, depth: int) -> None:
        """Go on at the start of an element of an array at this depth."""
        self.in_string, self.depth, self.is_escaped = 0, depth, False

    def brackets(self, block: bytes) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return positions, characters and the depth after each bracket of the next block."""
        data = np.frombuffer(block, np.uint8)
        quotes = np.flatnonzero(data == 0x22)
        escaped = self._escaped(block, data)
        if len(escaped):
            quotes = quotes[~np.isin(quotes, escaped)]
        position = np.flatnonzero(_DEPTH_OF[data])
        outside = ((np.searchsorted(quotes, position) + self.in_string) & 1) == 0
        position = position[outside]
        self.in_string = (self.in_string + len(quotes)) & 1
        character = data[position]
        depth = self.depth + np.cumsum(_DEPTH_OF[character], dtype=np.int64)
        if len(depth):
            self.depth = int(depth[-1])
        return position, character, depth

    def _escaped(self, block: bytes, data: NDArray[Any]) -> NDArray[Any]:
        """Return the positions of characters that follow an odd run of backslashes."""
        first = np.zeros(1 if self.is_escaped else 0, np.int64)
        if b"\\" not in block:
            self.is_escaped = False
            return first
        slashes = np.flatnonzero(data == 0x5C)
        if self.is_escaped and slashes[0] == 0:
            slashes = slashes[1:]
        breaks = np.flatnonzero(np.diff(slashes) != 1)
        starts = slashes[np.concatenate([[0], breaks + 1])] if len(slashes) else slashes
        ends = slashes[np.concatenate([breaks, [len(slashes) - 1]])] + 1 if len(slashes) else slashes
        odd = ends[((ends - starts) & 1) == 1]
        self.is_escaped = bool(len(odd)) and int(odd[-1]) == len(block)
        return np.concatenate([first, odd])


Block = list[Any] | dict[str, Any] | Sized


def stream(
    blocks: Iterable[bytes], where: str, shortcuts: Mapping[str, Shortcut] = NO_SHORTCUTS
) -> Iterator[tuple[str, Block]]:
    """Yield (key, elements) for blocks of every top-level array, then (REST, everything else as a dict).

    A file that is itself an array has the key "[]" and no REST. Elements of one key come in order.

    Args:
        blocks: the file's bytes.
        where: the file's name for messages.
        shortcuts: keys whose elements come in bulk, as their shortcut returns them, wherever it reads a block.

    Raises:
        InvalidLabelsError: not JSON, truncated, or nested deeper than 64 levels; the message says at which byte.
    """
    scanner = _Scanner()
    pending = bytearray()
    rest = bytearray()
    start_of_pending = 0
    level = 0
    key: str | None = None
    is_closed = False
    unscanned = b""
    for block in _with_end(blocks):
        is_short = len(pending) < _LONGEST_ELEMENT
        if key is not None and key in shortcuts and block is not None and is_short:
            data = (unscanned or bytes(pending)) + block
            scanner.restart(level)
            pending.clear()
            taken = shortcuts[key](data)
            if taken is not None:
                yield key, taken[0]
                unscanned = data[taken[1] :]
                start_of_pending += taken[1]
                continue
            block, unscanned = data, b""  # noqa: PLW2901 - what was put off is scanned now
        elif block is None:
            if not unscanned:
                break
            block, unscanned = unscanned, b""  # noqa: PLW2901 - the last element and the end of the file
        offset = len(pending)
        position, character, depth = scanner.brackets(block)
        pending += block
        if len(depth) and int(depth.max()) > MAX_DEPTH:
            at = start_of_pending + offset + int(position[int(np.argmax(depth > MAX_DEPTH))])
            raise InvalidLabelsError(f"{where}: byte {at}: nested deeper than {MAX_DEPTH} levels; no label file is")
        if len(depth) and int(depth.min()) < 0:
            at = start_of_pending + offset + int(position[int(np.argmin(depth))])
            raise InvalidLabelsError(f"{where}: byte {at}: a closing bracket without its opening one; not valid JSON")
        if level == 0 and len(position):
            lead = bytes(pending[: offset + int(position[0])])
            if lead.strip():
                raise InvalidLabelsError(f"{where}: byte {start_of_pending}: not a JSON object or array")
            level = 1 if character[0] == 0x5B else 2
        consumed = 0
        for index in np.flatnonzero(_marks(character, depth, level)):
            at = offset + int(position[index])
            if character[index] == 0x5B:
                rest += pending[consumed : at + 1]
                found = _KEY.search(bytes(pending[max(consumed, at - 1000) : at])) if level == 2 else None
                key = "[]" if level == 1 else _decoded(found)
                consumed = at + 1
            elif key is not None:
                yield from _elements(bytes(pending[consumed:at]), key, where, start_of_pending + consumed)
                consumed, key = at, None
        last_end = _last_end(position, character, depth, level) + offset
        if key is not None and last_end >= max(consumed, offset):
            stop = last_end + 1
            yield from _elements(bytes(pending[consumed:stop]), key, where, start_of_pending + consumed)
            consumed = stop
        elif key is None and level == 2:
            keep = min(len(pending), max(consumed, len(pending) - 1000))
            rest += pending[consumed:keep]
            consumed = keep
        is_closed = is_closed or (level > 0 and scanner.depth == 0)
        del pending[:consumed]
        start_of_pending += consumed
    if level == 0:
        raise InvalidLabelsError(f"{where}: not a JSON object or array" if pending.strip() else f"{where}: is empty")
    if scanner.depth or scanner.in_string or not is_closed:
        raise InvalidLabelsError(
            f"{where}: ends at byte {start_of_pending + len(pending)} in the middle of a value; "
            "the file was cut off, export it again"
        )
    rest += pending
    value = _loaded(bytes(rest), where, 0)
    if isinstance(value, dict):
        yield REST, value


def _with_end(blocks: Iterable[bytes]) -> Iterator[bytes | None]:
    yield from blocks
    yield None


def _last_end(position: NDArray[Any], character: NDArray[Any], depth: NDArray[Any], level: int) -> int:
    """Return where the last whole element of an array ends in this block; a very negative number when none does."""
    ends = position[(depth == level) & (_DEPTH_OF[character] < 0)]
    return int(ends[-1]) if len(ends) else -(1 << 62)


def _marks(character: NDArray[Any], depth: NDArray[Any], level: int) -> NDArray[Any]:
    """Return which brackets open or close a top-level array."""
    return np.asarray(((character == 0x5B) & (depth == level)) | ((character == 0x5D) & (depth == level - 1)))


def _decoded(found: re.Match[bytes] | None) -> str:
    if found is None:
        return "?"
    try:
        return str(orjson.loads(b'"' + found.group(1) + b'"'))
    except orjson.JSONDecodeError:
        return "?"


def _elements(content: bytes, key: str, where: str, at: int) -> Iterator[tuple[str, list[Any]]]:
    content = content.strip(b" \t\r\n,")
    if content:
        values = _loaded(b"[" + content + b"]", where, at)
        yield key, values


def _loaded(content: bytes, where: str, at: int) -> Any:
    """Parse strictly and fast; text with NaN or Infinity (Python writes those) in the slower standard way."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        if b"NaN" in content or b"Infinity" in content:
            try:
                return json.loads(content)
            except (ValueError, RecursionError):
                pass
        raise InvalidLabelsError(f"{where}: byte {at + error.pos}: not valid JSON: {error.msg}") from None


def whole(blocks: Iterable[bytes], where: str) -> Any:
    """Return a small JSON file as one value, with the same checks and messages as `stream`."""
    gathered: dict[str, list[Any]] = {}
    for key, value in stream(blocks, where):
        if isinstance(value, dict):
            value.update(gathered)
            return value
        if isinstance(value, list):
            gathered.setdefault(key, []).extend(value)
    return gathered.get("[]", [])


def shape_of(head: bytes) -> dict[str, frozenset[str]]:
    """Return the top-level keys at the start of a JSON file, each with the keys of its first element.

    A file that is an array has the single key "[]". Used to recognise formats by content; never raises.
    """
    text = head.decode("utf-8", "replace")
    result: dict[str, set[str]] = {}
    stack: list[str] = []
    current = ""
    closed: set[str] = set()
    tokens = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(:?)|([\[\]{}])')
    for token in tokens.finditer(text):
        word, colon, bracket = token.groups()
        if bracket and bracket in "[{":
            if not stack and bracket == "[":
                current = "[]"
                result.setdefault(current, set())
            stack.append(bracket)
        elif bracket:
            if stack:
                stack.pop()
            if (current == "[]" and len(stack) == 1) or (current != "[]" and len(stack) <= 2):
                closed.add(current)
        elif colon:
            is_list = current == "[]" and stack[:1] == ["["]
            if not is_list and len(stack) == 1:
                current = word
                result.setdefault(current, set())
            elif len(stack) <= (2 if is_list else 3) and current not in closed:
                result.setdefault(current, set()).add(word)
    return {key: frozenset(values) for key, values in result.items()}
