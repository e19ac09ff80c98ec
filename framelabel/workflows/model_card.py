"""Write what training came to where people look for it: the plugin's README and plugin.yaml."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from framelabel import plugins
from framelabel.core.errors import InvalidManifestError
from framelabel.inference.models import sha256
from framelabel.workflows.plugin_scores import Evaluation
from framelabel.workflows.training_data import DataSheet

START, END = "<!-- written by framelabel train: start -->", "<!-- written by framelabel train: end -->"
_CARD = re.compile(re.escape(START) + ".*?" + re.escape(END), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Seen:
    """One data set and how it was divided."""

    sheet: DataSheet
    train: int
    """Pictures trained on."""
    held: int
    """Pictures held out."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the trained model was found to do."""

    evaluation: Evaluation
    agreement: float
    """Largest difference between the ONNX file and the network."""
    epochs: int
    remark: str = ""


def write(plugin: Path, model: Path, seen: Sequence[Seen], measured: Measured, config: Any) -> None:
    """Update plugin.yaml to name the new model, and the trained part of README.md; the rest of both stays."""
    digest = sha256(model)
    manifest = plugin / "plugin.yaml"
    text = with_model(manifest.read_text("utf-8"), model.relative_to(plugin).as_posix(), digest, config.side)
    manifest.write_text(text, "utf-8")
    if plugins.load(plugin).model.digest != digest:
        msg = f"{manifest}: the new model's digest could not be entered; write 'digest: \"{digest}\"' into its model"
        raise InvalidManifestError(msg)
    readme = plugin / "README.md"
    old = (
        readme.read_text("utf-8")
        if readme.exists()
        else f"# {plugins.load(plugin).title or plugin.name}\n\n{START}{END}\n"
    )
    part = f"{START}\n{card(model, digest, seen, measured, config)}{END}"
    fresh = _CARD.sub(lambda _: part, old) if _CARD.search(old) else f"{old.rstrip()}\n\n{part}\n"
    readme.write_text(fresh, "utf-8")


def with_model(text: str, file: str, digest: str, size: int) -> str:
    """Return a plugin.yaml with another model file, digest and input size; comments and all else unchanged.

    >>> with_model('model: {file: a.onnx, digest: "", input: {size: [1, 1]}}', "b.onnx", "sha256:0", 416)
    'model: {file: b.onnx, digest: "sha256:0", input: {size: [416, 416]}}'
    """
    head, found, model = text.partition("model:")
    for key, value in (("file", file), ("digest", f'"{digest}"'), ("size", f"[{size}, {size}]")):
        pattern = rf"(\b{key}:\s*)(\[[^\]]*\]|\"[^\"]*\"|[^,}}\n#]+)"
        model = re.sub(pattern, lambda match, new=value: f"{match[1]}{new}", model, count=1)  # type: ignore[misc]
    return head + found + model


def card(model: Path, digest: str, seen: Sequence[Seen], measured: Measured, config: Any) -> str:
    """Return the model card's text: data, split, figures, command."""
    score = measured.evaluation
    rows = [
        f"| {name} | {count} | {precision:.3f} |" if count else f"| {name} | 0 | no truth |"
        for name, count, precision in zip(score.names, score.objects, score.per_class, strict=True)
    ]
    data = [
        f"- **{part.sheet.name}**: {part.train} pictures trained on, {part.held} held out. "
        f"Source: {part.sheet.source or 'local'}. Licence: {part.sheet.licence or 'not stated'}. {_rule(part.sheet)}"
        for part in seen
    ]
    return "\n".join(
        [
            "## Model card",
            "",
            (
                f"`{model.name}` ({model.stat().st_size / 1e6:.2f} MB, `{digest}`): a compact one-stage detector of "
                f"the YOLOX-nano architecture, input {config.side}x{config.side} BGR, trained by framelabel itself:"
            ),
            "",
            "```",
            command_line(config),
            "```",
            "",
            "### Data",
            *data,
            "",
            f"### Measured on the held-out part ({score.pictures} pictures), overlap {score.overlap:g}",
            "| class | objects | AP |",
            "|---|---|---|",
            *rows,
            f"| **mean** | {int(score.objects.sum())} | **{score.mean:.3f}** |",
            "",
            (
                f"Best of the evaluations during {measured.epochs} epochs, chosen on the same held-out part; "
                f"seed {config.seed}. ONNX Runtime and PyTorch agree to {measured.agreement:.1e} on held-out pictures."
            ),
            measured.remark,
            "",
        ]
    )


def command_line(config: Any) -> str:
    """Return the command that repeats this training: every setting that is not its default.

    Of a path that leads from the root of a machine only the name is kept: the card is for others.
    """
    words = ["framelabel train", _shown(config.plugin)]
    for entry in fields(config):
        value = getattr(config, entry.name)
        if entry.name in ("plugin", "run_folder", "resume") or value == entry.default:
            continue
        flag = "--" + entry.name.replace("_", "-")
        words += [
            flag if value is True else f"{flag} {_shown(item)}"
            for item in (value if isinstance(value, tuple) else [value])
        ]
    return " ".join(words)


def _shown(value: object) -> str:
    is_place = isinstance(value, str | Path) and Path(value).is_absolute()
    return Path(str(value)).name if is_place else str(value)


def _rule(sheet: DataSheet) -> str:
    rule = f"split by source (`{sheet.group}` of the picture's name)" if sheet.group else "split by picture"
    return f"The set is {rule}{', near-duplicates kept together' if sheet.join_duplicates else ''}, seed {sheet.seed}."
