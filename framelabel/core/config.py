"""Dataclasses as configuration: one declaration serves the Python API, YAML files and command-line flags.

A config is a frozen dataclass whose fields are made with `setting`. `build` fills one from a mapping and refuses
unknown keys by naming the nearest known one; `framelabel.cli.flags` turns the same fields into flags.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, cast

from framelabel.core.catalog import did_you_mean
from framelabel.core.errors import UsageError

C = TypeVar("C")


def setting(
    default: Any = dataclasses.MISSING,
    *,
    help: str,  # noqa: A002 - the word every reader expects
    argument: bool = False,
    choices: tuple[str, ...] = (),
    metavar: str = "",
    flag: str = "",
) -> Any:
    """Declare one field of a config dataclass.

    Args:
        default: value when nothing is given; a field without one is required.
        help: one sentence for `--help`.
        argument: positional on the command line instead of a flag.
        choices: allowed values of a string field.
        metavar: what `--help` shows for the value.
        flag: the flag's name when it differs from the field's (`--from` for `source_format`).
    """
    metadata = {"help": help, "argument": argument, "choices": choices, "metavar": metavar, "flag": flag}
    return dataclasses.field(default=default, metadata=metadata)


def field_types(config: type) -> dict[str, Any]:
    """Return the resolved type of every field of a dataclass, in order."""
    hints = typing.get_type_hints(config)
    return {field.name: hints[field.name] for field in dataclasses.fields(config)}


def build(config: type[C], values: Mapping[str, Any], where: str) -> C:
    """Fill a config dataclass from a mapping (YAML or JSON), converting and checking each value.

    Raises:
        UsageError: an unknown key (nearest known key named), a missing one, or a value of the wrong type.
    """
    known = field_types(config)
    for key in values:
        if key not in known:
            msg = f"{where}: unknown key '{key}'.{did_you_mean(str(key), known)}"
            raise UsageError(msg)
    filled = {key: _convert(value, known[key], f"{where}: {key}") for key, value in values.items()}
    for field in dataclasses.fields(cast("Any", config)):
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and field.name not in filled:
            msg = f"{where}: '{field.name}' is missing"
            raise UsageError(msg)
    return config(**filled)


def _convert(value: Any, kind: Any, where: str) -> Any:
    """Return `value` as the field type `kind`, or say what was expected."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        inner = [argument for argument in arguments if argument is not type(None)]
        for argument in inner[:-1]:
            try:
                return _convert(value, argument, where)
            except UsageError:
                continue
        return _convert(value, inner[-1], where)
    if origin is tuple and isinstance(value, (list, tuple)):
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_convert(item, arguments[0], where) for item in value)
        if len(value) == len(arguments):
            return tuple(_convert(item, argument, where) for item, argument in zip(value, arguments, strict=True))
    if origin in (dict, Mapping) or origin is getattr(typing, "Mapping", None) or kind is dict:
        if isinstance(value, Mapping):
            return dict(value)
    elif kind is Any:
        return value
    elif kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    elif kind is Path and isinstance(value, (str, Path)):
        return Path(value)
    elif isinstance(kind, type) and issubclass(kind, Enum) and value in {member.value for member in kind}:
        return kind(value)
    elif isinstance(kind, type) and dataclasses.is_dataclass(kind) and isinstance(value, Mapping):
        return build(kind, value, where)
    elif isinstance(kind, type) and isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    msg = f"{where}: expected {getattr(kind, '__name__', kind)}, got {value!r}"
    raise UsageError(msg)
