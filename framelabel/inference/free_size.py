"""Let a model that was exported for one picture size take others, by editing its declared input shape.

A fully convolutional detector computes the same at any size, but exporters write the training size into the file.
Only the declaration is changed, never a weight. An ONNX file is a protocol buffer; the few fields concerned are
rewritten on the wire (https://protobuf.dev/programming-guides/encoding/, onnx.proto), so no other library is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

_LENGTH_DELIMITED = 2

# Field numbers of onnx.proto.
_MODEL_GRAPH = 7
_GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_VALUE_INFO = 11, 12, 13
_VALUE_NAME, _VALUE_TYPE = 1, 2
_TYPE_TENSOR = 1
_TENSOR_SHAPE = 2
_SHAPE_DIM = 1
_DIM_PARAM = 2
_TO_SHAPE = (_VALUE_TYPE, _TYPE_TENSOR, _TENSOR_SHAPE)
_MOST_AXES = 8

Field = tuple[int, int, bytes]
"""Number, wire type, and the raw bytes behind the tag (for a length-delimited field its content alone)."""
Edit = Callable[[Field], "Field | None"]


def free_picture_size(model: bytes, input_name: str, axes: tuple[int, int]) -> bytes:
    """Return the model with two axes of an input made free, and the shapes that follow from them left open.

    Args:
        model: the bytes of an ONNX file.
        input_name: the picture input.
        axes: its height and width axes: (2, 3) for NCHW, (1, 2) for NHWC.

    Raises:
        ValueError: the bytes are not a protocol buffer.
    """

    def edit_graph(field: Field) -> Field | None:
        number, kind, content = field
        if number == _GRAPH_VALUE_INFO:
            return None
        if number == _GRAPH_INPUT and _name_of(content) == input_name:
            return number, kind, _within(content, _TO_SHAPE, _free({axes[0]: "height", axes[1]: "width"}))
        if number == _GRAPH_OUTPUT:
            labels = {axis: f"free_{axis}" for axis in range(1, _MOST_AXES)}
            return number, kind, _within(content, _TO_SHAPE, _free(labels))
        return field

    return _within(model, (_MODEL_GRAPH,), edit_graph)


def _free(labels: Mapping[int, str]) -> Edit:
    """Return an edit that gives the axes of a shape names in place of numbers."""
    position = -1

    def edit(field: Field) -> Field:
        nonlocal position
        number, kind, _ = field
        if number != _SHAPE_DIM:
            return field
        position += 1
        if position not in labels:
            return field
        return number, kind, _encode((_DIM_PARAM, _LENGTH_DELIMITED, labels[position].encode()))

    return edit


def _within(message: bytes, path: tuple[int, ...], edit: Edit) -> bytes:
    """Return a message with `edit` applied to the fields of its sub-messages at `path`."""
    if not path:
        return b"".join(_encode(done) for field in _fields(message) if (done := edit(field)) is not None)
    return b"".join(
        _encode((number, kind, _within(content, path[1:], edit) if number == path[0] else content))
        for number, kind, content in _fields(message)
    )


def _name_of(value_info: bytes) -> str:
    return next((content.decode() for number, _, content in _fields(value_info) if number == _VALUE_NAME), "")


def _fields(message: bytes) -> Iterator[Field]:
    """Yield the fields of a message in order."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, kind = tag >> 3, tag & 7
        if kind == _LENGTH_DELIMITED:
            length, position = _varint(message, position)
            stop = position + length
        elif kind == 0:
            _, stop = _varint(message, position)
        elif kind in (1, 5):
            stop = position + (8 if kind == 1 else 4)
        else:
            msg = f"not a protocol buffer: wire type {kind} at byte {position}"
            raise ValueError(msg)
        if number == 0 or stop > len(message):
            msg = f"not a protocol buffer: field {number} runs past the end at byte {position}"
            raise ValueError(msg)
        yield number, kind, message[position:stop]
        position = stop


def _encode(field: Field) -> bytes:
    number, kind, content = field
    length = _to_varint(len(content)) if kind == _LENGTH_DELIMITED else b""
    return _to_varint(number << 3 | kind) + length + content


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value, shift = 0, 0
    while position < len(message) and shift < 70:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    msg = f"not a protocol buffer: broken number at byte {position}"
    raise ValueError(msg)


def _to_varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
