"""Turn a config dataclass into a click command: its typed fields are the arguments and flags."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import click
import yaml

from framelabel.core.catalog import did_you_mean
from framelabel.core.config import field_types
from framelabel.core.errors import UsageError

C = TypeVar("C")


def command(name: str, config: type[C], run: Callable[[C], int | None], *, help: str) -> click.Command:  # noqa: A002
    """Make the command `name`: fill `config` from the command line, call `run`, return its exit code.

    A tuple field is a repeatable flag, or takes the rest when it is an argument; a bool is a switch. A field named
    `config` is a YAML file with the same keys; flags win over it.
    """
    kinds = field_types(config)
    fields = dataclasses.fields(typing.cast("Any", config))
    parameters = [_parameter(field, kinds[field.name]) for field in fields if field.metadata.get("help")]
    for parameter in parameters:
        if parameter.name == "config":
            parameter.is_eager = True
            parameter.callback = _defaults_from(kinds)

    def callback(**values: Any) -> int | None:
        return run(config(**{key: _restore(value, kinds[key]) for key, value in values.items()}))

    return click.Command(name, callback=callback, params=parameters, help=help)


def _defaults_from(kinds: dict[str, Any]) -> Callable[[click.Context, click.Parameter, Path | None], Path | None]:
    """Return a click callback that takes a YAML file's values as defaults of the other flags."""

    def read(context: click.Context, _: click.Parameter, path: Path | None) -> Path | None:
        if path is None:
            return None
        try:
            values = yaml.safe_load(path.read_text("utf-8")) or {}
        except yaml.YAMLError as error:
            raise UsageError(f"{path}: not YAML: {error}") from None
        if not isinstance(values, dict):
            raise UsageError(f"{path}: expected keys and values, such as `plugin: surveillance`")
        for key in values:
            if key not in kinds or key == "config":
                raise UsageError(f"{path}: unknown key '{key}'.{did_you_mean(str(key), kinds)}")
        context.default_map = values
        return path

    return read


def _parameter(field: dataclasses.Field[Any], kind: Any) -> click.Parameter:
    inner, multiple = _inner(kind)
    required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    metadata = field.metadata
    value_type = click.Choice(metadata["choices"]) if metadata["choices"] else _click_type(inner)
    default = None if required else (field.default if field.default is not dataclasses.MISSING else ())
    if metadata["argument"]:
        return click.Argument(
            [field.name],
            type=value_type,
            nargs=-1 if multiple else 1,
            required=required,
            default=None if required or multiple else default,
            metavar=metadata["metavar"] or field.name.upper() + ("..." if multiple else ""),
        )
    flag = metadata["flag"] or "--" + field.name.replace("_", "-")
    if inner is bool:
        negative = "--no-" + flag.removeprefix("--")
        spelling = f"{flag}/{negative}" if default is True else flag
        return click.Option([spelling, field.name], is_flag=True, default=bool(default), help=metadata["help"])
    return click.Option(
        [flag, field.name],
        type=value_type,
        multiple=multiple,
        required=required,
        default=default,
        show_default=default not in (None, (), ""),
        metavar=metadata["metavar"] or None,
        help=metadata["help"],
    )


def _inner(kind: Any) -> tuple[Any, bool]:
    """Return the value type of a field and whether it repeats."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        options = [argument for argument in typing.get_args(kind) if argument is not type(None)]
        return _inner(options[0])
    if typing.get_origin(kind) is tuple:
        return typing.get_args(kind)[0], True
    return kind, False


def _click_type(kind: Any) -> Any:
    if kind is Path:
        return click.Path(path_type=Path)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return click.Choice([str(member.value) for member in kind])
    return typing.cast("type", kind)


def _restore(value: Any, kind: Any) -> Any:
    inner, multiple = _inner(kind)
    if multiple and isinstance(value, (list, tuple)):
        return tuple(value)
    if isinstance(inner, type) and issubclass(inner, Enum) and isinstance(value, str):
        return inner(value)
    return value
