"""Shows a workflow's progress: rate, time left, and the facts that it reports."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class _Rate(ProgressColumn):
    """Units a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


class ConsoleReporter:
    """A `Reporter` on the terminal (standard error, so that output can be piped)."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[facts]}"),
            console=self.console,
            disable=quiet or not self.console.is_terminal,
        )
        self._task = self._progress.add_task("", total=None, visible=False, facts="")

    def __enter__(self) -> ConsoleReporter:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def start(self, name: str, total: int | None) -> None:
        """Begin a stage; the bar of the stage before stays on screen, finished."""
        self._progress.stop_task(self._task)
        self._task = self._progress.add_task(name, total=total, facts="")

    def advance(self, count: int = 1, **facts: object) -> None:
        """Move the bar; facts appear beside it as `name value`."""
        if facts:
            shown = "  ".join(f"{name} {value}" for name, value in facts.items())
            self._progress.update(self._task, advance=count, facts=shown)
        else:
            self._progress.advance(self._task, count)

    def note(self, message: str) -> None:
        """Print one line above the bar."""
        self.console.print(message, highlight=False, markup=False, soft_wrap=True)
