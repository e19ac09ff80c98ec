"""Other processes and machines: shards of frames out, columns of findings back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from framelabel.core.errors import MissingExtraError
from framelabel.core.protocols import SILENT, Reporter
from framelabel.workflows.label import LabelConfig
from framelabel.workflows.look import Crew


@contextmanager
def crew_for(config: LabelConfig, report: Reporter = SILENT) -> Iterator[Crew | None]:
    """Give the crew that `config.cluster` asks for, None for this process alone; let it go at the end.

    Raises:
        MissingExtraError: a cluster is named and Ray is not installed. Without Ray, "local" is this process alone.
        ClusterError: the cluster cannot be reached.
    """
    if not config.cluster:
        yield None
        return
    try:
        from framelabel.distributed.ray_label import RayCrew
    except ImportError as error:
        if config.cluster != "local":
            msg = f"--cluster {config.cluster} needs {error.name}: pip install 'framelabel[ray]'"
            raise MissingExtraError(msg) from error
        report.note("Ray is not installed (pip install 'framelabel[ray]'); this process does the work alone")
        yield None
        return
    crew = RayCrew(config, report)
    try:
        yield crew
    finally:
        crew.close()
