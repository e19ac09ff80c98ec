"""`framelabel verify`: decode again and prove that every stored picture is still the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framelabel.core.config import setting
from framelabel.core.errors import FramelabelError
from framelabel.core.protocols import SILENT, Reporter
from framelabel.media import verify_index
from framelabel.store.project import Project


@dataclass(frozen=True, slots=True)
class VerifyConfig:
    """Which project to prove."""

    project: Path = setting(help="Project file.", argument=True)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found for one video."""

    name: str
    frame_count: int
    different: tuple[int, ...]
    """Ordinals whose picture is another than the stored one."""
    problem: str = ""
    """Why the video could not be compared; "" when it could."""

    @property
    def is_proven(self) -> bool:
        """Whether every picture is the stored one."""
        return not self.different and not self.problem


def run(config: VerifyConfig, report: Reporter = SILENT) -> list[Verdict]:
    """Compare every video of a project with its stored frame index; one bad video does not stop the others."""
    verdicts = []
    with Project(config.project) as project:
        for video in project.videos():
            if not video.path:
                verdicts.append(Verdict(video.name, 0, (), "its labels were imported without footage"))
                continue
            try:
                index = project.frame_index(video.id)
                different = verify_index(video.path, index, report, video.reader)
                unhashed = int(np.count_nonzero(index.digest == 0))
                problem = f"{unhashed} frames were stored without a hash" if unhashed else ""
                verdicts.append(Verdict(video.name, len(index), tuple(different), problem))
            except FramelabelError as error:
                verdicts.append(Verdict(video.name, video.frame_count, (), str(error)))
    return verdicts
