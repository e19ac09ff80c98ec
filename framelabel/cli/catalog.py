"""Every command, in the order `--help` lists them. One file and one line each."""

from __future__ import annotations

import click

from framelabel.core.catalog import Catalog

COMMANDS: Catalog[click.Command] = Catalog(
    "command",
    {
        "propagate": "framelabel.cli.propagate:command",
        "evaluate": "framelabel.cli.evaluate:command",
        "lint": "framelabel.cli.lint:command",
        "route": "framelabel.cli.route:command",
        "agree": "framelabel.cli.agree:command",
        "ask-model": "framelabel.cli.ask_model:command",
        "report": "framelabel.cli.report:command",
        "tally": "framelabel.cli.tally:command",
        "probe": "framelabel.cli.probe:command",
        "frames": "framelabel.cli.frames:command",
        "label": "framelabel.cli.label:command",
        "tag": "framelabel.cli.tag:command",
        "import": "framelabel.cli.import_labels:command",
        "export": "framelabel.cli.export:command",
        "convert": "framelabel.cli.convert:command",
        "validate": "framelabel.cli.validate:command",
        "review": "framelabel.cli.review:command",
        "draw": "framelabel.cli.draw:command",
        "info": "framelabel.cli.info:command",
        "verify": "framelabel.cli.verify:command",
        "merge": "framelabel.cli.merge:command",
        "demo": "framelabel.cli.demo:command",
        "train": "framelabel.cli.train:command",
        "plugins": "framelabel.cli.plugins:command",
        "watch": "framelabel.cli.watch:command",
        "bench": "framelabel.cli.bench:command",
        "doctor": "framelabel.cli.doctor:command",
    },
)
