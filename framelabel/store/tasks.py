"""Tables `tasks` and `answers`: questions to people, and one row per answer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from framelabel.core.frames import VideoId
from framelabel.core.tasks import Answer, Task, TaskKind
from framelabel.store.runs import now

_TASK_COLUMNS = (
    "kind, video_id, start, stop, track_id, subject_id, question, choices, priority, answers_wanted, reason, gold"
)


def append(connection: sqlite3.Connection, tasks: Iterable[Task]) -> list[int]:
    """Store open tasks and return their ids, in order."""
    ids = []
    for task in tasks:
        cursor = connection.execute(
            f"INSERT INTO tasks ({_TASK_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                task.kind.value,
                task.video_id,
                task.start,
                task.stop,
                task.track_id,
                task.subject_id,
                task.question,
                orjson.dumps(task.choices).decode(),
                task.priority,
                task.answers_wanted,
                task.reason,
                "" if task.gold is None else orjson.dumps(dict(task.gold)).decode(),
            ),
        )
        ids.append(int(cursor.lastrowid or 0))
    return ids


def select(connection: sqlite3.Connection, *, open_only: bool = True) -> list[Task]:
    """Return tasks by expected benefit, highest first."""
    rows = connection.execute(
        f"SELECT {_TASK_COLUMNS}, id FROM tasks WHERE is_closed = 0 OR ? ORDER BY priority DESC, id",
        (not open_only,),
    )
    return [_task(row) for row in rows]


def by_id(connection: sqlite3.Connection, task_id: int) -> Task | None:
    """Return one task, open or not; None when there is none of this id."""
    row = connection.execute(f"SELECT {_TASK_COLUMNS}, id FROM tasks WHERE id = ?", (task_id,)).fetchone()
    return None if row is None else _task(row)


def for_annotator(connection: sqlite3.Connection, annotator: str, limit: int) -> list[tuple[Task, int]]:
    """Return the first open tasks that a person has not answered, each with how many people have answered it."""
    rows = connection.execute(
        f"SELECT {_TASK_COLUMNS}, id, (SELECT count(DISTINCT answers.annotator) FROM answers "
        "WHERE answers.task_id = tasks.id AND verdict != 'skip') FROM tasks WHERE is_closed = 0 AND NOT EXISTS "
        "(SELECT 1 FROM answers WHERE answers.task_id = tasks.id AND answers.annotator = ?) "
        "ORDER BY priority DESC, id LIMIT ?",
        (annotator, limit),
    )
    return [(_task(row), row[13]) for row in rows]


def open_count(connection: sqlite3.Connection, annotator: str | None = None) -> int:
    """Return how many tasks are open, golden ones left out; or how many are open to a person, golden ones too."""
    if annotator is None:
        return int(connection.execute("SELECT count(*) FROM tasks WHERE is_closed = 0 AND gold = ''").fetchone()[0])
    row = connection.execute(
        "SELECT (SELECT count(*) FROM tasks WHERE is_closed = 0) - (SELECT count(DISTINCT task_id) FROM answers "
        "JOIN tasks ON tasks.id = answers.task_id WHERE annotator = ? AND is_closed = 0)",
        (annotator,),
    ).fetchone()
    return int(row[0])


def _task(row: tuple[Any, ...]) -> Task:
    return Task(
        kind=TaskKind(row[0]),
        video_id=VideoId(row[1]),
        start=row[2],
        stop=row[3],
        track_id=row[4],
        subject_id=row[5],
        question=row[6],
        choices=tuple(orjson.loads(row[7])),
        priority=row[8],
        answers_wanted=row[9],
        reason=row[10],
        gold=orjson.loads(row[11]) if row[11] else None,
        id=row[12],
    )


def close(connection: sqlite3.Connection, task_ids: Sequence[int]) -> None:
    """Take tasks out of the queue; their answers stay."""
    connection.executemany("UPDATE tasks SET is_closed = 1 WHERE id = ?", [(task_id,) for task_id in task_ids])


def replace(connection: sqlite3.Connection, old: Sequence[int], new: Iterable[Task]) -> list[int]:
    """Take tasks out of the queue and store others in their place; return the new ids."""
    close(connection, old)
    return append(connection, new)


def want_more(connection: sqlite3.Connection, task_ids: Sequence[int]) -> None:
    """Ask one more person each: wanted answers become one more than there are, and the tasks are open again."""
    connection.executemany(
        "UPDATE tasks SET is_closed = 0, answers_wanted = 1 + "
        "(SELECT count(DISTINCT annotator) FROM answers WHERE task_id = tasks.id AND verdict != 'skip') WHERE id = ?",
        [(task_id,) for task_id in task_ids],
    )


def add_answer(connection: sqlite3.Connection, answer: Answer) -> int:
    """Store one answer and return its id; the task is closed once it has as many as it wants."""
    cursor = connection.execute(
        "INSERT INTO answers (task_id, annotator, verdict, seconds, content, answered_at) VALUES (?, ?, ?, ?, ?, ?)",
        (
            answer.task_id,
            answer.annotator,
            answer.verdict,
            answer.seconds,
            orjson.dumps(dict(answer.content)).decode(),
            answer.answered_at or now(),
        ),
    )
    connection.execute(
        "UPDATE tasks SET is_closed = 1 WHERE id = ? AND answers_wanted <= "
        "(SELECT count(DISTINCT annotator) FROM answers WHERE task_id = tasks.id AND verdict != 'skip')",
        (answer.task_id,),
    )
    return int(cursor.lastrowid or 0)


def add_once(connection: sqlite3.Connection, answer: Answer) -> bool:
    """Store one answer unless its author has answered the task before; return whether it is new."""
    known = connection.execute(
        "SELECT 1 FROM answers WHERE task_id = ? AND annotator = ? LIMIT 1", (answer.task_id, answer.annotator)
    ).fetchone()
    if known is None:
        add_answer(connection, answer)
    return known is None


def answers(connection: sqlite3.Connection, task_id: int | None = None) -> list[Answer]:
    """Return the answers to one task (or all), oldest first."""
    rows = connection.execute(
        "SELECT task_id, annotator, verdict, seconds, content, answered_at, id FROM answers "
        "WHERE ? IS NULL OR task_id = ? ORDER BY id",
        (task_id, task_id),
    )
    return [Answer(row[0], row[1], row[2], row[3], orjson.loads(row[4]), row[5], row[6]) for row in rows]
