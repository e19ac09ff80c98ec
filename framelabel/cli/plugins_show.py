"""`framelabel plugins show NAME`."""

from __future__ import annotations

import json
from dataclasses import dataclass

import click

from framelabel import plugins
from framelabel.cli import flags
from framelabel.core.config import setting


@dataclass(frozen=True, slots=True)
class PluginShowConfig:
    """Which plugin to show."""

    plugin: str = setting(help="A plugin's name, or its folder.", argument=True)
    json: bool = setting(False, help="Print the whole checked manifest as JSON.")


def _run(config: PluginShowConfig) -> None:
    manifest = plugins.load(config.plugin)
    if config.json:
        click.echo(json.dumps(manifest.model_dump(mode="json"), indent=2))
        return
    model = manifest.model
    lines = {
        "plugin": f"{manifest.name}: {manifest.title}".rstrip(": "),
        "folder": str(manifest.folder),
        "classes": ", ".join(entry.name for entry in manifest.classes),
        "model": model.file or f"that of plugin '{model.of_plugin}'",
        "decoder": f"{model.decoder} {dict(model.decoder_options) or ''}".rstrip(),
        "licence": model.licence or "not stated",
        "source": model.source or model.url or "not stated",
        "tracker": f"{manifest.tracker.name} {dict(manifest.tracker.options) or ''}".rstrip(),
        "zones": ", ".join(zone.name for zone in manifest.zones) or "none",
        "rules": ", ".join(str(rule.get("name", "")) for rule in manifest.rules) or "none",
        "hook": f"{manifest.hook} (code that runs on every frame)" if manifest.hook else "none (no code)",
        "samples": str(len(manifest.samples)),
    }
    for key, text in lines.items():
        click.echo(f"{key:8} {text}")


command = flags.command("show", PluginShowConfig, _run, help="Show what a plugin sees, says and needs.")
