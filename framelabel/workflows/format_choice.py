"""A format by its name, with options from text."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import yaml

from framelabel.core.catalog import did_you_mean
from framelabel.core.config import build
from framelabel.core.errors import UsageError
from framelabel.formats.catalog import FORMATS, detect_format
from framelabel.formats.protocol import Format


def make_format(name: str, options: tuple[str, ...] = (), task: str = "") -> Format[Any]:
    """Return the format `name` with options given as "key=value"; `task` is short for "task=...".

    Raises:
        UnknownNameError: no such format.
        UsageError: an option that this format does not have, or a value of the wrong type.
    """
    kind = FORMATS.load(name)
    known = [field.name for field in dataclasses.fields(kind.Options)]
    values: dict[str, Any] = {}
    for text in (*options, *([f"task={task}"] if task else [])):
        key, equals, value = text.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or key not in known:
            have = did_you_mean(key, known) if known else " It has none."
            raise UsageError(f"--option {text}: {name} has no such option.{have}")
        values[key] = value if value == "" else yaml.safe_load(value)
    made = build(kind.Options, values, f"options of {name}")
    for field in dataclasses.fields(kind.Options):
        choices = field.metadata.get("choices") or ()
        if choices and getattr(made, field.name) not in choices:
            listed = ", ".join(map(str, choices))
            raise UsageError(f"{name}: {field.name} is {getattr(made, field.name)!r}; one of {listed}")
    return kind(made)


def source_format(path: Path, name: str, options: tuple[str, ...] = ()) -> Format[Any]:
    """Return the format to read `path` with: the named one, or the one its content looks like.

    Raises:
        InvalidLabelsError: nothing there, or no format recognises it.
    """
    return make_format(name or detect_format(path), options)
