"""`framelabel ask-model PROJECT`."""

from __future__ import annotations

from rich.console import Console

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.workflows import ask_model


def _run(config: ask_model.AskModelConfig) -> int:
    with ConsoleReporter() as report:
        summary = ask_model.run(config, report)
    console = Console(highlight=False, soft_wrap=True)
    for problem in summary.problems[:20]:
        console.print(problem, markup=False)
    cost = f", cost {summary.cost:g}" if summary.cost else ""
    console.print(f"{summary.answered} tasks answered, {summary.failed} not{cost}")
    return 0 if summary.answered or not summary.failed else 1


command = flags.command(
    "ask-model",
    ask_model.AskModelConfig,
    _run,
    help="Let a vision model on an OpenAI-compatible server answer review tasks, as one annotator among others.",
)
