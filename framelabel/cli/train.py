"""`framelabel train PLUGIN --data DATA`."""

from __future__ import annotations

from rich.table import Table

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.workflows import train


def _run(config: train.TrainConfig) -> int:
    with ConsoleReporter() as reporter:
        summary = train.run(config, reporter)
    score = summary.evaluation
    table = Table("class", "objects", f"AP at overlap {score.overlap:g}")
    for name, count, precision in zip(score.names, score.objects, score.per_class, strict=True):
        table.add_row(name, str(count), f"{precision:.3f}" if count else "no truth")
    table.add_row("mean", str(int(score.objects.sum())), f"{score.mean:.3f}")
    reporter.console.print(table)
    reporter.note(f"wrote {summary.model}; plugin.yaml and README.md are up to date")
    return 0


command = flags.command(
    "train", train.TrainConfig, _run, help="Fine-tune a plugin's detector and write model, manifest and model card."
)
