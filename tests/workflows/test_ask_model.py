"""A vision model as annotator, against a local server that also misbehaves."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from framelabel.cli.main import main
from framelabel.core.annotations import Origin, Provenance
from framelabel.core.errors import EndpointError, UsageError
from framelabel.core.frames import FrameIndex, VideoId
from framelabel.core.ontology import Ontology
from framelabel.core.tasks import Task, TaskKind
from framelabel.core.tracks import Track
from framelabel.core.videos import Video
from framelabel.store.project import Project
from framelabel.workflows import ask_model
from framelabel.workflows.vision_endpoint import Endpoint, ask, parse_choice

CHOICES = ("right", "wrong")


class _Server(ThreadingHTTPServer):
    """Answers each request by the next entry of `script` (the last one again and again) and keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[Any] = ['{"answer": "right"}']
        self.received: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        script = self.server.script
        step = script.pop(0) if len(script) > 1 else script[0]
        self.server.received.append({"path": self.path, "key": self.headers.get("Authorization"), **body})
        if step == "slow":
            time.sleep(0.6)
            step = '{"answer": "right"}'
        status = step if isinstance(step, int) else 200
        message = {"choices": [{"message": {"content": step}}]}
        content = b"<html>oops" if step == "garbage" else json.dumps({} if step == "empty" else message).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            return  # the client gave up waiting

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[_Server]:
    """Run a server on a free port."""
    with _Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


SCRIPTS: dict[str, tuple[list[Any], str, int]] = {
    "good": (['{"answer": "wrong"}'], "wrong", 1),
    "fenced": (['```json\n{"answer": "Right"}\n```'], "right", 1),
    "overloaded-then-good": ([503, 429, '{"answer": "right"}'], "right", 3),
    "slow-then-good": (["slow", '{"answer": "wrong"}'], "wrong", 2),
    "not-json-then-good": (["garbage", '{"answer": "right"}'], "right", 2),
    "no-completion": (["empty"], "", 3),
    "refuses": (["I cannot help with that."], "", 3),
    "invents-a-choice": (['{"answer": "maybe"}'], "", 3),
    "wrong-schema": (['{"verdict": "right"}'], "", 3),
    "chatters": (['Sure! {"answer": "right"}'], "", 3),
}


@pytest.mark.parametrize("case", SCRIPTS)
def test_only_valid_answers_count(server: _Server, case: str) -> None:
    """Faults are tried again, a bounded number of times; what is not one of the choices is no answer."""
    script, expected, attempts = SCRIPTS[case]
    server.script = list(script)
    endpoint = Endpoint(server.url, "tiny", timeout_s=0.3, pause_s=0.0)
    reply = ask(endpoint, "Is it right?", CHOICES, b"jpeg")
    assert (reply.choice, reply.attempts) == (expected, attempts)
    assert bool(reply.problem) is (expected == "")


def test_a_refused_key_stops_everything(server: _Server) -> None:
    """401 is not tried again: the message says what to check."""
    server.script = [401]
    with pytest.raises(EndpointError, match=r"HTTP 401.*check address, model name and key"):
        ask(Endpoint(server.url, "tiny"), "?", CHOICES, b"")
    assert len(server.received) == 1


@pytest.mark.parametrize("text", ["", "null", "[]", '"right"', '{"answer": 1}', '{"answer": "right", "also": 2}'])
def test_other_shapes_are_no_answer(text: str) -> None:
    """Only an object with exactly one text under "answer" is an answer."""
    assert parse_choice(text, CHOICES) == ""


def test_only_web_addresses_are_endpoints() -> None:
    """A file address is refused before anything is opened."""
    with pytest.raises(UsageError, match="http or https"):
        Endpoint("file:///etc/passwd", "tiny")


@pytest.fixture
def project_path(tmp_path: Path) -> Path:
    """Make a project with footage, one track and four open tasks about it."""
    footage = tmp_path / "yard"
    footage.mkdir()
    for number in range(6):
        cv2.imwrite(str(footage / f"{number:06d}.png"), np.full((240, 320, 3), 80, np.uint8))
    path, pts = tmp_path / "p.framelabel", np.arange(6)
    index = FrameIndex(Fraction(1, 25), pts, pts == 0, np.zeros(6, np.uint64))
    with Project(path, create=True) as project:
        project.extend_ontology(Ontology.of(["person"]))
        video = project.add_video(
            Video(VideoId(0), "yard", str(footage), 320, 240, 6, Fraction(1, 25), Fraction(25)), index
        )
        track = Track.of(1, pts, np.tile([100.0, 60.0, 140.0, 140.0], (6, 1)))
        project.put_tracks(video.id, [track], Provenance(Origin.TRACKER, "x"))
        project.append_tasks(
            [Task(TaskKind.BOX, video.id, n, n + 1, 1, question="Is it right?", choices=CHOICES) for n in range(4)]
        )
    return path


def _config(path: Path, server: _Server, **settings: Any) -> ask_model.AskModelConfig:
    return ask_model.AskModelConfig(
        project=path, endpoint=server.url, model="tiny", per_minute=1e6, **{"retries": 0, **settings}
    )


def test_nothing_is_sent_before_it_is_agreed_to(project_path: Path, server: _Server) -> None:
    """The first use says what would be sent and sends nothing; consent is kept with the project."""
    with pytest.raises(UsageError, match=r"4 pictures .* would be sent to http://127.* Add --yes"):
        ask_model.run(_config(project_path, server))
    assert server.received == []
    assert ask_model.run(_config(project_path, server, yes=True, limit=1)).answered == 1
    assert ask_model.run(_config(project_path, server, limit=1)).answered == 1


def test_answers_are_rows_like_a_persons(project_path: Path, server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The crop is sent with the key, answers carry the model's name, and no task is asked twice."""
    monkeypatch.setenv("VISION_KEY", "s3cret")
    assert ask_model.run(_config(project_path, server, yes=True, key_variable="VISION_KEY")).answered == 4
    with Project(project_path) as project:
        answers = project.answers()
        assert project.tasks() == []
    assert {(answer.annotator, answer.verdict) for answer in answers} == {("model:tiny", "right")}
    sent = server.received[0]
    assert (sent["path"], sent["key"]) == ("/v1/chat/completions", "Bearer s3cret")
    picture = sent["messages"][0]["content"][1]["image_url"]["url"].removeprefix("data:image/jpeg;base64,")
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(picture), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape[:2] == (220, 120)
    assert ask_model.run(_config(project_path, server)).answered == 0


def test_the_cost_stays_below_its_bound(project_path: Path, server: _Server) -> None:
    """Two questions at 0.4 fit into a bound of 1, a third would not."""
    summary = ask_model.run(_config(project_path, server, yes=True, cost_per_question=0.4, max_cost=1.0))
    assert summary.answered == 2
    assert summary.cost == pytest.approx(0.8)
    assert "might exceed 1" in summary.problems[0]


def test_a_model_that_never_answers_is_exit_code_1(
    project_path: Path, server: _Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is stored, and every failure is a line."""
    server.script = ["I would rather not."]
    arguments = ["--endpoint", server.url, "--model", "tiny", "--retries", "0", "--per-minute", "100000", "--yes"]
    with pytest.raises(SystemExit) as stopped:
        main(["ask-model", str(project_path), *arguments])
    assert stopped.value.code == 1
    assert "0 tasks answered, 4 not" in capsys.readouterr().out
    with Project(project_path) as project:
        assert project.answers() == []
