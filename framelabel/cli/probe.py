"""`framelabel probe`: facts about files."""

from __future__ import annotations

import json
from typing import Any

import click

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.workflows.probe import Probe, ProbeConfig, run

_BY_ORIGIN = {"frames": "frame_count", "fps": "frame_rate", "start pts": "start_pts", "seconds": "duration_s"}


def _run(config: ProbeConfig) -> int:
    with ConsoleReporter() as report:
        probes = run(config, report)
    if config.json:
        facts = [probe.facts() for probe in probes]
        click.echo(json.dumps(facts[0] if len(facts) == 1 else facts, indent=2))
    for probe in probes:
        if probe.error:
            click.echo(f"framelabel: {probe.error}", err=True)
        elif not config.json:
            click.echo(_text(probe))
    return int(any(probe.error for probe in probes))


def _text(probe: Probe) -> str:
    """Return the lines for people: header and content side by side, then what is unusual."""
    facts = probe.facts()
    lines = [
        f"{probe.path}",
        f"  {facts['codec']} {facts['profile']} {facts['pixel_format']} in {facts['container']}",
        f"  {facts['width']}x{facts['height']}" + _oddities(facts),
        f"  {'':12}{'header':>16}{'content':>16}",
    ]
    for name, key in _BY_ORIGIN.items():
        claim = facts[f"{key}_from_header"]
        claim = None if claim in (0, "0") and key != "start_pts" else claim
        values = [claim, facts.get(f"{key}_from_content", "not read")]
        lines.append(f"  {name:12}" + "".join(f"{_short(value):>16}" for value in values))
    lines.append(f"  time base   {facts['time_base']:>16}")
    lines += [f"  {facts['damage']}"] if facts.get("damage") else []
    return "\n".join(lines)


def _oddities(facts: dict[str, Any]) -> str:
    stored = f"{facts['coded_width']}x{facts['coded_height']}"
    found = {
        f"rotated {facts['rotation']} degrees (stored {stored})": facts["rotation"],
        "mirrored": facts["is_mirrored"],
        f"pixel aspect {facts['sample_aspect_ratio']}": facts["sample_aspect_ratio"] != "1",
        f"{facts['bit_depth']} bit": facts["bit_depth"] != 8,
        "alpha dropped": facts["has_alpha"],
        f"{facts.get('interlaced_frame_count')} interlaced frames": facts.get("interlaced"),
        "variable frame rate": facts.get("is_vfr"),
        f"{facts.get('repaired_pts_count')} presentation times filled in": facts.get("repaired_pts_count"),
    }
    return "".join(f", {text}" for text, applies in found.items() if applies)


def _short(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else "unknown" if value is None else str(value)


command = flags.command("probe", ProbeConfig, _run, help="Show what is in video files, header against content.")
