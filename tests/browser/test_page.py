"""The review page in a real browser: what a person does, and what must never be lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page

from framelabel.core.frames import VideoId
from framelabel.core.geometry import paired_iou
from framelabel.core.tasks import Task, TaskKind
from framelabel.media.encoder import write_video
from framelabel.store.project import Project
from framelabel.workflows import label
from framelabel.workflows.edit import Editor
from tests.assets import squares
from tests.browser.pages import drag, said, seek, served


def test_draw_correct_split_undo_after_reload(visit: Callable[[str], Page], project: Path) -> None:
    """A person draws, corrects, splits, reloads, and undoes it all; the store says the same at every step."""
    with served(project) as (_, [url]):
        page = visit(url)
        seek(page, 10)
        page.select_option("#class", "green")
        drag(page, squares.SIZE, (2, 58), (12, 63))
        said(page, "draw green 3")
        drag(page, squares.SIZE, (7, 60), (27, 60))
        said(page, "correct green 3")
        with Project(project) as stored:
            [track] = stored.tracks(VideoId(1), track_ids=[3])
            np.testing.assert_allclose(track.xyxy[0], [22, 58, 32, 63], atol=0.6)
            assert track.is_keyframe.tolist() == [True]
        page.keyboard.press("Escape")
        page.keyboard.press("Tab")
        page.keyboard.press("s")
        said(page, "split")
        with Project(project) as stored:
            assert len(stored.tracks(VideoId(1))) == 4
        page.reload()
        page.wait_for_selector("body[data-ready=yes]")
        for expected in ("split", "correct green 3", "draw green 3"):
            page.keyboard.press("z")
            said(page, f"undo: {expected}")
        page.keyboard.press("z")
        said(page, "nothing to undo")
        with Project(project) as stored:
            assert [track.id for track in stored.tracks(VideoId(1))] == [1, 2]
        page.keyboard.press("Shift+Z")
        said(page, "redo: draw green 3")


def test_propagation_in_place(visit: Callable[[str], Page], project: Path) -> None:
    """Two boxes drawn by hand fill the frames between them at once, along the object; one more box corrects them."""
    with Project(project, write=True) as stored:
        [red] = [track.id for track in stored.tracks(VideoId(1)) if track.class_id == stored.ontology.id_of("red")]
        Editor(stored, "setup").delete(stored.videos()[0], red)
    with served(project) as (_, [url]):
        page = visit(url)
        for frame in (4, 34):
            seek(page, frame)
            left, top, right, bottom = squares.truth(frame)[0]
            if frame == 4:
                drag(page, squares.SIZE, (left, top), (right, bottom))
                said(page, "draw red")
                track = page.evaluate("() => framelabel.selected")
            else:
                body = {"action": "box", "track": track, "frame": frame, "xyxy": [left, top, right, bottom]}
                page.evaluate("body => framelabel.edit(body)", body)
                said(page, "correct red")
        followed = (
            "track => framelabel.timeline.rows.find(row => row.id === track).spans.some(span => span[1] - span[0] > 2)"
        )
        page.wait_for_function(followed, arg=track)
        with Project(project) as stored:
            [carried] = stored.tracks(VideoId(1), track_ids=[track])
        inside = [(int(frame), box) for frame, box in zip(carried.frame, carried.xyxy, strict=True) if 4 < frame < 34]
        assert len(inside) == 29
        truth = np.array([squares.truth(frame)[0] for frame, _ in inside])
        assert np.median(paired_iou(np.array([box for _, box in inside]), truth)) > 0.7
        page.keyboard.press("z")
        said(page, "undo: correct red")
        with Project(project) as stored:
            assert len(stored.tracks(VideoId(1), track_ids=[track])[0]) == 1, "the box and what followed go together"


def test_merge_and_swap_by_click(visit: Callable[[str], Page], project: Path) -> None:
    """Swap exchanges ids from here on; merge of objects that overlap in time asks first."""
    with served(project) as (_, [url]):
        page = visit(url)
        seek(page, 30)
        truth = squares.truth(30)
        centres = [((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) for box in truth]
        drag(page, squares.SIZE, centres[0], centres[0])
        page.keyboard.press("i")
        drag(page, squares.SIZE, centres[1], centres[1])
        said(page, "swap")
        with Project(project) as stored:
            classes = {track.id: track.class_id for track in stored.tracks(VideoId(1))}
            boxes = {track.id: track.xyxy[-1] for track in stored.tracks(VideoId(1))}
        assert set(classes) == {1, 2}
        last = squares.truth(59)
        first_id = 1 if abs(boxes[1][1] - last[1][1]) < 4 else 2
        np.testing.assert_allclose(boxes[first_id], last[1], atol=3)
        page.on("dialog", lambda dialog: dialog.dismiss())
        page.keyboard.press("m")
        drag(page, squares.SIZE, centres[0], centres[0])
        page.wait_for_timeout(300)
        with Project(project) as stored:
            assert len(stored.tracks(VideoId(1))) == 2, "dismissed: nothing merged"


def test_two_people_at_once(visit: Callable[[str], Page], project: Path) -> None:
    """What one person draws appears on the other's page; each undoes their own; no task goes to both."""
    with Project(project, write=True) as stored:
        stored.append_tasks([Task(TaskKind.TRACK, VideoId(1), 5, 6, number) for number in (1, 2)])
    with served(project, "--annotator", "ada", "--annotator", "bob", "--share") as (_, urls):
        ada, bob, guest = (visit(url) for url in urls)
        for page in (ada, bob, guest):
            seek(page, 20)
        drag(ada, squares.SIZE, (2, 58), (12, 63))
        said(ada, "draw red 3")
        for page in (bob, guest):
            page.wait_for_function("() => framelabel.stage.labels.length === 3")
        bob.keyboard.press("z")
        said(bob, "nothing to undo")
        drag(guest, squares.SIZE, (40, 2), (60, 6))
        handed = []
        for page in (ada, bob):
            page.keyboard.press("t")
            page.wait_for_function("() => framelabel.task !== null")
            handed.append(page.evaluate("() => framelabel.task.id"))
        assert sorted(handed) == [1, 2]
        for page in (ada, bob):
            page.keyboard.press("Enter")
            page.wait_for_function("() => document.querySelector('#task').textContent.includes('empty')")
        refused = guest.evaluate(
            "async () => (await fetch('/api/undo', {method: 'POST', body: '{}',"
            " headers: {'content-type': 'application/json'}})).status"
        )
        assert refused == 403
    with Project(project) as stored:
        assert sorted((answer.annotator, answer.verdict) for answer in stored.answers()) == [
            ("ada", "accept"),
            ("bob", "accept"),
        ]
        assert len(stored.tracks(VideoId(1))) == 3


def test_a_killed_server_loses_nothing(visit: Callable[[str], Page], project: Path) -> None:
    """What was accepted is there after kill -9; what could not be saved is said, kept, and sent when it is back."""
    with served(project, port=0) as (process, [url]):
        page = visit(url)
        seek(page, 10)
        drag(page, squares.SIZE, (2, 58), (12, 63))
        said(page, "draw red 3")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        drag(page, squares.SIZE, (80, 58), (90, 63))
        said(page, "not saved yet")
        port = int(url.split(":")[2].split("/")[0])
    with Project(project) as stored:
        assert [track.id for track in stored.tracks(VideoId(1))] == [1, 2, 3]
    with served(project, port=port) as (_, [again]):
        # The token is new; the person opens the new address in a second tab, and the first goes on by the cookie.
        page.context.new_page().goto(again)
        said(page, "everything is saved")
    with Project(project) as stored:
        assert [track.id for track in stored.tracks(VideoId(1))] == [1, 2, 3, 4]


NUMBER_SIZE = (192, 128)


def numbered(frame: int) -> NDArray[np.uint8]:
    """Return a picture that carries its number as 12 black or white blocks."""
    image = np.full((NUMBER_SIZE[1], NUMBER_SIZE[0], 3), 128, np.uint8)
    for bit in range(12):
        row, column = divmod(bit, 4)
        image[16 + 32 * row : 48 + 32 * row, 32 + 32 * column : 64 + 32 * column] = 255 * (frame >> bit & 1)
    return image


READ_NUMBER = """size => {
  const canvas = document.querySelector('#picture');
  const scale = Math.min(canvas.width / size[0], canvas.height / size[1]);
  const left = (canvas.width - size[0] * scale) / 2, top = (canvas.height - size[1] * scale) / 2;
  const context = canvas.getContext('2d');
  let number = 0;
  for (let bit = 0; bit < 12; bit += 1) {
    let x = 48 + 32 * (bit % 4), y = 32 + 32 * Math.floor(bit / 4);
    if (size[0] === 128) [x, y] = [128 - y, x];
    const value = context.getImageData(left + x * scale, top + y * scale, 1, 1).data[0];
    number |= (value > 128 ? 1 : 0) << bit;
  }
  return number;
}"""


@pytest.mark.parametrize("rotated", [False, True], ids=["upright", "rotated"])
def test_the_frame_shown_is_the_frame_named(visit: Callable[[str], Page], tmp_path: Path, rotated: bool) -> None:
    """200 random frames of a clip with B-frames and uneven times: the number in the canvas is the frame's, always."""
    clip = tmp_path / "numbers.mp4"
    pts = np.cumsum(np.random.default_rng(1).integers(1, 5, 300)) * 10
    write_video(clip, ((int(pts[n]), numbered(n)) for n in range(300)), Fraction(1, 600), Fraction(25))
    size = NUMBER_SIZE
    if rotated:
        if shutil.which("ffmpeg") is None:
            pytest.skip("no ffmpeg to write rotated footage with")
        turned = tmp_path / "turned.mp4"
        rotate = ["-metadata:s:v:0", "rotate=270", "-c", "copy"]
        subprocess.run(["ffmpeg", "-v", "error", "-i", clip, *rotate, turned], check=True)
        clip, size = turned, (128, 192)
    plugin = squares.write_plugin(tmp_path / "plugin")
    project = tmp_path / "numbers.framelabel"
    label.run(label.LabelConfig(videos=(clip,), plugin=str(plugin), project=project, every=50))
    with Project(project) as stored:
        if stored.videos()[0].size != size:
            pytest.skip("this ffmpeg does not write rotation")
    with served(project) as (_, [url]):
        page = visit(url)
        wrong = []
        for frame in np.random.default_rng(2).integers(0, 300, 200).tolist():
            seek(page, frame)
            shown = page.evaluate(READ_NUMBER, list(size))
            if shown != frame:
                wrong.append((frame, shown))
        assert wrong == []
