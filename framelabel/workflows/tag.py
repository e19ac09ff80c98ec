"""`framelabel tag`: ask people about whole frames, and make tags of their answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framelabel.core.annotations import Annotation, Origin, Provenance
from framelabel.core.config import setting
from framelabel.core.errors import FramelabelError, UsageError
from framelabel.core.frames import Span, VideoId
from framelabel.core.ontology import AttributeSpec, Ontology
from framelabel.core.protocols import SILENT, Reporter
from framelabel.core.tasks import Task, TaskKind
from framelabel.core.videos import Video
from framelabel.media import open_video
from framelabel.media.catalog import READERS
from framelabel.media.images import ImagesReader
from framelabel.media.reading import Reader
from framelabel.review.consensus.catalog import CONSENSUS
from framelabel.review.consensus.votes import Votes
from framelabel.store import frame_tags
from framelabel.store.edits import Edit
from framelabel.store.project import Project
from framelabel.workflows import label
from framelabel.workflows.associate import UNLINKED_NAME
from framelabel.workflows.frame_source import Selection, stored_index, video_of, with_index
from framelabel.workflows.picture_tags import NAME, picture_fact

_REASON = "tag: "
_MAJORITY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class TagConfig:
    """What to ask about which frames."""

    videos: tuple[Path, ...] = setting((), help="Videos, folders of pictures or files, or globs.", argument=True)
    project: Path = setting(help="Project file; created when it does not exist.")
    tag: tuple[str, ...] = setting(
        (), metavar="NAME=VALUE,VALUE", help="What to ask, with the possible answers; repeatable."
    )
    config: Path | None = setting(None, help="YAML file with the same keys as these flags; flags win.")
    reader: str = setting("auto", choices=("auto", *READERS), help="What makes pictures of the files; bytes draws any.")
    frames: str = setting("", metavar="A:B", help="Only frame ordinals A to B-1.")
    every: int = setting(1, help="Only every Nth frame.")
    fps: float = setting(0.0, help="Only as many frames a second; 0 for all.")
    answers: int = setting(1, help="How many people are asked about each frame.")
    plugin: str = setting("", help="A classifier that looks first: people are asked where it is least sure.")
    sure: float = setting(1.1, help="Score from which the plugin's answer is not put to people; above 1 for never.")


@dataclass(frozen=True, slots=True)
class TagSummary:
    """What was asked."""

    frames: int
    tasks: int
    """New questions in the queue."""
    known: int
    """Frames with an answer already, or a question that waits."""
    problems: tuple[str, ...] = ()


def run(config: TagConfig, report: Reporter = SILENT) -> TagSummary:
    """Put every chosen frame into the project, and a question about each into the queue.

    Raises:
        UsageError: nothing to look at, or nothing to ask.
        ProjectError: the project cannot be written.
    """
    if not config.videos:
        raise UsageError("no video given; name at least one file or folder")
    asked = [parse_tag(text) for text in config.tag]
    if not asked:
        raise UsageError("nothing to ask: give --tag NAME=VALUE,VALUE, for example --tag verdict=normal,abnormal")
    selection = Selection(config.frames, config.every, config.fps)
    if config.plugin:
        _look_first(config, report)
    frames = known = 0
    tasks: list[Task] = []
    problems: list[str] = []
    with Project(config.project, create=True) as project:
        project.extend_ontology(Ontology((), tuple(asked)))
        for path in config.videos:
            try:
                video, ordinals = _added(project, path, config.reader, selection, report)
            except (FramelabelError, OSError) as error:
                problems.append(str(error))
                report.note(f"{path}: failed: {error}")
                continue
            frames += len(ordinals)
            for spec in asked:
                new = _questions(project, video, ordinals, spec, config)
                known += len(ordinals) - len(new)
                tasks += new
        project.append_tasks(tasks)
    return TagSummary(frames, len(tasks), known, tuple(problems))


def parse_tag(text: str) -> AttributeSpec:
    """Read "verdict=normal,abnormal".

    Raises:
        UsageError: no name, or fewer than two answers.
    """
    name, _, listed = text.partition("=")
    values = tuple(dict.fromkeys(part.strip() for part in listed.split(",") if part.strip()))
    if not name.strip() or len(values) < 2:
        raise UsageError(f"--tag {text}: write a name and at least two answers, for example verdict=normal,abnormal")
    return AttributeSpec(name.strip(), values)


def settle_tags(project: Project, method: str = "majority") -> int:
    """Make tags of the answers to closed questions about frames; return how many frames got one.

    Where answers are split in equal parts nothing is written. Each video is one step of undo of "consensus".
    """
    closed = {
        task.id: task for task in project.tasks(open_only=False) if task.kind is TaskKind.TAG and task.gold is None
    }
    for task in project.tasks():
        closed.pop(task.id, None)
    verdicts: dict[int, dict[str, str]] = defaultdict(dict)
    for answer in project.answers():
        if answer.task_id in closed and answer.verdict in closed[answer.task_id].choices:
            verdicts[answer.task_id][answer.annotator] = answer.verdict
    source = Provenance(Origin.CONSENSUS, "consensus")
    new: dict[VideoId, list[Annotation]] = defaultdict(list)
    for task_id, (value, share) in _merged(verdicts, method).items():
        task = closed[task_id]
        name = task.reason.removeprefix(_REASON)
        if share > _MAJORITY and project.read(frame_tags.settled, task.video_id, name).get(task.start) != value:
            place = (0.0, 0.0, 0.0, 0.0)
            new[task.video_id].append(
                Annotation(task.video_id, task.start, -1, place, source, score=share, attributes={name: value})
            )
    for video_id, facts in new.items():
        span = Span(min(fact.frame for fact in facts), max(fact.frame for fact in facts) + 1)
        edit = Edit(video_id, "consensus", f"tag {len(facts)} frames", span)
        project.edit(edit, lambda connection, facts=facts: frame_tags.settle(connection, facts, source))  # type: ignore[misc]
    return sum(map(len, new.values()))


def _merged(verdicts: Mapping[int, Mapping[str, str]], method: str) -> dict[int, tuple[str, float]]:
    """Return task id -> (answer, its probability) by a consensus method."""
    people = sorted({name for given in verdicts.values() for name in given})
    values = sorted({value for given in verdicts.values() for value in given.values()})
    tasks = sorted(verdicts)
    rows = [
        (row, people.index(name), values.index(value))
        for row, task in enumerate(tasks)
        for name, value in verdicts[task].items()
    ]
    if not rows:
        return {}
    columns = np.array(rows, np.int64)
    found = CONSENSUS.load(method)(Votes.of(columns[:, 0], columns[:, 1], columns[:, 2]))
    return {
        task: (values[int(found.label[row])], float(found.certainty[row])) for row, task in enumerate(tasks)
    }  # fmt: skip


def _look_first(config: TagConfig, report: Reporter) -> None:
    settings = {name: getattr(config, name) for name in ("videos", "plugin", "project", "reader", "frames", "every")}
    done = label.run(label.LabelConfig(**settings, fps=config.fps, tracker=UNLINKED_NAME), report)
    for video in done.videos:
        if video.problem:
            report.note(f"{video.path}: {config.plugin} could not look at it; people are asked about every frame")


def _added(
    project: Project, path: Path, reader_name: str, selection: Selection, report: Reporter
) -> tuple[Video, list[int]]:
    """Return a video of the project, its pictures numbered and named, and the frames that were chosen."""
    video = video_of(project, path, reader_name)
    index = stored_index(project, video)
    with closing(open_video(video, index)) as reader:
        if index is None:
            _name_pictures(project, video, reader, report)
            index = reader.index
            video = with_index(project, video, reader)
    return video, selection.ordinals(index).tolist()


def _name_pictures(project: Project, video: Video, reader: Reader, report: Reporter) -> None:
    """Decode everything once, so that every picture has its digest, and keep the names of single pictures."""
    report.start(f"look at {video.name}", reader.header.frame_count_from_header or None)
    names = [file.name for file in reader.paths] if isinstance(reader, ImagesReader) else []
    known = project.read(frame_tags.named, video.id, NAME)
    project.append(
        [
            picture_fact(video, frame.ref.index, names[frame.ref.index], (frame.image.shape[1], frame.image.shape[0]))
            for frame in reader.read_all(lambda _: bool(names), report)
            if frame.ref.index not in known
        ]
    )


def _questions(
    project: Project, video: Video, ordinals: Iterable[int], spec: AttributeSpec, config: TagConfig
) -> list[Task]:
    """Return a question about every frame that has no answer by a person and none that waits, least sure first."""
    reason = f"{_REASON}{spec.name}"
    waiting = {
        task.start for task in project.tasks(open_only=False) if task.video_id == video.id and task.reason == reason
    }
    answered = project.read(frame_tags.settled, video.id, spec.name)
    scores = project.read(frame_tags.scores, video.id, spec.name)
    choices = tuple(str(value) for value in spec.values)
    return [
        Task(
            kind=TaskKind.TAG,
            video_id=video.id,
            start=frame,
            stop=frame + 1,
            question=f"{spec.name}: {', '.join(choices[:-1])} or {choices[-1]}?",
            choices=choices,
            priority=1.0 - scores.get(frame, 0.0),
            answers_wanted=config.answers,
            reason=reason,
        )
        for frame in ordinals
        if frame not in waiting and frame not in answered and scores.get(frame, 0.0) < config.sure
    ]
