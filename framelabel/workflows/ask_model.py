"""`framelabel ask-model`: let a language-and-vision model answer review tasks, as one annotator among others."""

from __future__ import annotations

import json
import os
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.frames import Span
from framelabel.core.protocols import SILENT, Reporter
from framelabel.core.tasks import Answer, Task, TaskKind
from framelabel.media import open_video
from framelabel.media.overlay import Drawn, draw
from framelabel.media.picture_files import encode
from framelabel.store.documents import Document
from framelabel.store.project import Project
from framelabel.workflows.frame_source import stored_index
from framelabel.workflows.vision_endpoint import Endpoint, ask

_ASKABLE = {TaskKind.BOX, TaskKind.TRACK, TaskKind.TAG}
_BOX_COLOUR = (255, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskModelConfig:
    """Which server to ask, and how much."""

    project: Path = setting(help="Project file.", argument=True)
    endpoint: str = setting(help="Base address of a server with the OpenAI chat protocol: http://localhost:8080/v1.")
    model: str = setting(help="The model's name on that server; its answers are stored under it.")
    key_variable: str = setting("", metavar="NAME", help="Environment variable that holds the server's key.")
    limit: int = setting(100, help="Most tasks to ask about.")
    per_minute: float = setting(60.0, help="Most questions a minute.")
    cost_per_question: float = setting(0.0, help="Price of one question, in any currency.")
    max_cost: float = setting(0.0, help="Stop before this sum could be exceeded, retries included; 0 for no bound.")
    timeout_s: float = setting(60.0, help="Longest wait for one answer.")
    retries: int = setting(2, help="Further attempts after a fault or an invalid answer.")
    yes: bool = setting(False, help="Agree to sending the pictures to this address.")


@dataclass(frozen=True, slots=True)
class AskModelSummary:
    """What came of it."""

    answered: int
    failed: int
    cost: float
    problems: tuple[str, ...] = ()


def run(config: AskModelConfig, report: Reporter = SILENT) -> AskModelSummary:
    """Ask about open tasks that this model has not answered, most useful first; each answer is stored at once.

    Raises:
        UsageError: sending pictures to this address was not agreed to yet.
        EndpointError: the server refuses requests as such.
    """
    key = os.environ.get(config.key_variable, "") if config.key_variable else ""
    server = Endpoint(config.endpoint, config.model, key, config.timeout_s, config.retries)
    name = f"model:{config.model}"
    with Project(config.project, write=True) as project:
        done = {answer.task_id for answer in project.answers() if answer.annotator == name}
        tasks = [task for task in project.tasks() if task.kind in _ASKABLE and task.choices and task.id not in done][
            : config.limit
        ]
        _agreed(project, config, len(tasks))
        report.start("ask", len(tasks))
        answered = failed = 0
        cost, problems = 0.0, []
        due = time.monotonic()
        for task in tasks:
            dearest = config.cost_per_question * (config.retries + 1)
            if config.max_cost and cost + dearest > config.max_cost:
                problems.append(f"stopped at a cost of {cost:g}: the next question might exceed {config.max_cost:g}")
                break
            time.sleep(max(due - time.monotonic(), 0.0))
            due = time.monotonic() + 60.0 / config.per_minute
            picture = _picture(project, task)
            if picture is None:
                failed += 1
                problems.append(f"task {task.id}: its footage cannot be read")
                continue
            reply = ask(server, task.question, task.choices, picture)
            cost += config.cost_per_question * reply.attempts
            if reply.choice:
                project.add_answer(Answer(task.id, name, reply.choice, reply.seconds))
                answered += 1
            else:
                failed += 1
                problems.append(f"task {task.id}: {reply.problem}")
            report.advance(answered=answered, failed=failed)
    return AskModelSummary(answered, failed, cost, tuple(problems))


def _agreed(project: Project, config: AskModelConfig, count: int) -> None:
    """Say what would be sent the first time an address is used with a project, and remember the consent."""
    if project.document("endpoint", config.endpoint) is not None:
        return
    if not config.yes:
        raise UsageError(
            f"{count} pictures (the surroundings of a box, or a whole frame, as JPEG) and the text of their questions "
            f"would be sent to {config.endpoint}; nothing was sent. Add --yes to agree for this project"
        )
    content = json.dumps({"model": config.model}).encode()
    project.put_document(Document("endpoint", config.endpoint, "application/json", content))


def _picture(project: Project, task: Task) -> bytes | None:
    """Return what a task is about as JPEG: the box with its surroundings, or the whole frame."""
    video = project.video(task.video_id)
    if not video.path or not Path(video.path).exists():
        return None
    frame = task.start if task.kind is not TaskKind.TRACK else (task.start + task.stop - 1) // 2
    box = _box(project, task, frame)
    with closing(open_video(video, stored_index(project, video))) as reader:
        image = reader.frame(frame).image
    if box is None:
        return encode(image, "jpg", quality=85)
    shown = draw(image, [Drawn(box, "", _BOX_COLOUR)])
    margin = np.maximum(box[2:] - box[:2], 40.0)
    left, top = np.maximum(box[:2] - margin, 0).astype(int)
    right, bottom = np.minimum(box[2:] + margin, shown.shape[1::-1]).astype(int)
    return encode(np.ascontiguousarray(shown[top:bottom, left:right]), "jpg", quality=85)


def _box(project: Project, task: Task, frame: int) -> NDArray[np.float64] | None:
    if task.track_id == NO_TRACK:
        return None
    found = list(project.annotations(task.video_id, Span(frame, frame + 1), [task.track_id]))
    return np.array(found[0].xyxy) if found else None
