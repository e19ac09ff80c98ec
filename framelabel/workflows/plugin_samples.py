"""`framelabel plugins test`: the boxes that a plugin promises in its samples are found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from framelabel import plugins
from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.protocols import SILENT, Reporter
from framelabel.inference.session import DEVICES
from framelabel.plugins.samples import (
    SampleResult,
    find,
    read_expected,
    sample_template,
    try_samples,
    write_expected,
)


@dataclass(frozen=True, slots=True)
class PluginTestConfig:
    """Which plugin to test."""

    plugin: str = setting(help="A plugin's name, or its folder.", argument=True)
    device: str = setting("auto", help="Where to run it.", choices=DEVICES)
    accept: bool = setting(False, help="Write what is found now as what is expected; look at it before you commit it.")
    frames: str = setting("0", help="With --accept: frame numbers of a new sample, separated by commas.")


def run(config: PluginTestConfig, report: Reporter = SILENT) -> list[SampleResult]:
    """Run every sample and compare, or accept what is found.

    Raises:
        UsageError: the plugin names no samples.
        InvalidManifestError: a sample's file is missing or not understood.
    """
    plugin = plugins.build(plugins.load(config.plugin), device=config.device, workers=1, reporter=report)
    manifest = plugin.manifest
    if not manifest.samples:
        example = "samples: [{media: samples/a.jpg, expected: samples/a.json}]"
        raise UsageError(f"plugin '{plugin.name}' names no samples; add to its plugin.yaml: {example}")
    if config.accept:
        for sample in manifest.samples:
            target = manifest.folder / sample.expected
            frames = list(read_expected(manifest, sample)) if target.exists() else _numbers(config.frames)
            media: Path = manifest.folder / sample.media
            found = find(plugin, media, frames, sample_template(manifest, sample))
            write_expected(target, {at.ref.index: boxes for at, boxes in found}, plugin.ontology)
    return try_samples(plugin)


def _numbers(text: str) -> list[int]:
    try:
        return sorted(int(part) for part in text.split(","))
    except ValueError:
        msg = f"--frames {text}: give frame numbers separated by commas, for example 0,40"
        raise UsageError(msg) from None
