"""A film of two shots: no label goes over its cut, whoever made it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.core.annotations import Annotation, Origin, Provenance
from framelabel.core.frames import Frame, Span
from framelabel.core.protocols import SILENT
from framelabel.media.encoder import write_video
from framelabel.store.project import Project
from framelabel.workflows import label, lint, shot_cuts
from framelabel.workflows.propagate import Carrier, PropagateConfig
from framelabel.workflows.propagate import run as propagate
from tests.assets import squares

CUT, COUNT = 40, 80


def _picture(frame: int) -> NDArray[np.uint8]:
    """Return the squares going on undisturbed, before a ground that is another from the cut on."""
    grey = np.random.default_rng(frame // CUT).integers(10, 200, (8, 12), dtype=np.uint8)
    ground = cv2.cvtColor(cv2.resize(grey, squares.SIZE, interpolation=cv2.INTER_CUBIC), cv2.COLOR_GRAY2RGB)
    plain = squares.picture(frame)
    is_ground = (plain == plain[:1, :1]).all(axis=2, keepdims=True)
    return np.where(is_ground, ground, plain).astype(np.uint8)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the film."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    write_video(path, ((k, _picture(k)) for k in range(COUNT)), Fraction(1, 25), Fraction(25), quality=0)
    return path


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the plugin that finds the squares."""
    return squares.write_plugin(tmp_path_factory.mktemp("plugins") / "squares")


def _label(film: Path, plugin: Path, project: Path, **settings: object) -> label.LabelSummary:
    values: dict[str, object] = {"videos": (film,), "plugin": str(plugin), "project": project, **settings}
    return label.run(label.LabelConfig(**values))  # type: ignore[arg-type]


def _ends(project: Path) -> list[tuple[int, int]]:
    with Project(project) as opened:
        return sorted((int(track.frame[0]), int(track.frame[-1])) for track in opened.tracks(opened.videos()[0].id))


@pytest.mark.parametrize("tracker", ["offline", "bytetrack"])
def test_tracks_end_at_the_cut(film: Path, plugin: Path, tmp_path: Path, tracker: str) -> None:
    """Squares that go on at the same place in the next shot are others there; the cut is kept, and lint is content."""
    project = tmp_path / "p.framelabel"
    _label(film, plugin, project, tracker=tracker)
    late = 3 if tracker == "bytetrack" else 0
    ends = _ends(project)
    assert len(ends) == 4
    assert [last for _, last in ends] == [CUT - 1, CUT - 1, COUNT - 1, COUNT - 1]
    assert all(0 <= first - start <= late for (first, _), start in zip(ends, (0, 0, CUT, CUT), strict=True))
    with Project(project) as opened:
        assert shot_cuts.known_cuts(opened, opened.videos()[0]) == [CUT]
    assert lint.run(lint.LintConfig(project, check=("cut",))).findings == ()


def test_cuts_of_an_interrupted_run_are_looked_for_again(
    film: Path, plugin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever saw only the rest of the pictures decodes the film; the labels are those of a run in one piece."""
    whole, broken = tmp_path / "whole.framelabel", tmp_path / "broken.framelabel"
    _label(film, plugin, whole)
    read = shot_cuts.Watched.frames

    def torn(self: shot_cuts.Watched, done: int) -> Iterator[Frame]:
        for number, frame in enumerate(read(self, done)):
            if number == 30:
                raise KeyboardInterrupt
            yield frame

    with monkeypatch.context() as patched:
        patched.setattr(shot_cuts.Watched, "frames", torn)
        with pytest.raises(KeyboardInterrupt):
            _label(film, plugin, broken)
    _label(film, plugin, broken)
    assert _ends(broken) == _ends(whole)


def test_lint_finds_imported_tracks_over_a_cut(film: Path, plugin: Path, tmp_path: Path) -> None:
    """Labels from elsewhere: the footage is decoded, and a track over the cut is named; nothing is written unasked."""
    project = tmp_path / "p.framelabel"
    _label(film, plugin, project, tracker="none")
    source = Provenance(Origin.IMPORT, "elsewhere")
    with Project(project, write=True) as opened:
        video = opened.videos()[0]
        number = opened.next_track_id(video.id)
        opened.append(
            [Annotation(video.id, k, 0, (4.0, 4.0, 20.0, 20.0), source, track_id=number) for k in range(30, 50)]
        )
        assert shot_cuts.known_cuts(opened, video) is None
    (found,) = lint.run(lint.LintConfig(project, check=("cut",))).findings
    assert (found.frame, found.track_id, found.message) == (
        CUT,
        number,
        f"track {number} runs over the cut at frame {CUT}",
    )
    with Project(project) as opened:
        assert shot_cuts.known_cuts(opened, video) is None
    assert lint.run(lint.LintConfig(project, check=("cut",), queue=1)).queued == 1
    with Project(project) as opened:
        assert shot_cuts.known_cuts(opened, video) == [CUT]


def test_human_boxes_are_not_carried_over_a_cut(film: Path, plugin: Path, tmp_path: Path) -> None:
    """One human box in the first shot fills the first shot; a second one, beyond the cut, fills the second."""
    project = tmp_path / "p.framelabel"
    _label(film, plugin, project)
    person = Provenance(Origin.HUMAN, "ada")

    def drawn(frame: int, number: int) -> Annotation:
        x1, y1, x2, y2 = squares.truth(frame)[0].tolist()
        return Annotation(video.id, frame, 0, (x1, y1, x2, y2), person, track_id=number, is_keyframe=True)

    with Project(project, write=True) as opened:
        video = opened.videos()[0]
        number = opened.next_track_id(video.id)
        opened.append([drawn(20, number)])
    propagate(PropagateConfig(project, tracks=(str(number),), method="linear"))
    with Project(project, write=True) as opened:
        (track,) = opened.tracks(video.id, None, [number])
        assert track.frame[-1] < CUT
        opened.append([drawn(60, number)])
        (track,) = opened.tracks(video.id, None, [number])
        carrier = Carrier(opened, video, "linear")
        part, span = carrier.around(track, 60)
        assert span == Span(CUT, COUNT)
        assert part.frame[0] >= CUT
        both = carrier.carry(track, Span(0, COUNT))
        assert {20, 60} <= set(both.frame.tolist())


def test_frames_looked_at_are_those_asked_for(
    film: Path, plugin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every other picture: the cut is the first of them in the new shot; asked again, nothing is decoded."""
    project = tmp_path / "p.framelabel"
    _label(film, plugin, project)
    with Project(project, write=True) as opened:
        video = opened.videos()[0]
        some = np.arange(1, COUNT, 2)
        assert shot_cuts.cuts_among(opened, video, some, SILENT) == [41]
        monkeypatch.setattr(shot_cuts, "open_video", None)
        assert shot_cuts.cuts_among(opened, video, some, SILENT) == [41]
        assert shot_cuts.known_cuts(opened, video) == [CUT]
