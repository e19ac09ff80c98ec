"""Labelling against a golden template, and with further views: what is asked for is what looks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from framelabel import plugins
from framelabel.cli.main import application
from framelabel.core.errors import InvalidManifestError, UsageError
from framelabel.core.frames import Frame, FrameRef, VideoId
from framelabel.inference.session import Session
from framelabel.plugins.check import Level, check
from framelabel.store.project import Project
from framelabel.workflows import label
from framelabel.workflows.look import look_of
from tests.assets import discs

FAULT = (30, 20, 42, 34)


@pytest.fixture
def comparing(tmp_path: Path) -> Path:
    """Return a plugin that marks what is brighter than in its golden picture."""
    folder = discs.write_segmenter(tmp_path / "comparing")
    manifest = folder / "plugin.yaml"
    manifest.write_text(manifest.read_text("utf-8").replace("colour: rgb", "colour: pair"), "utf-8")
    return folder


def board() -> NDArray[np.uint8]:
    """Return a dark (64, 96, 3) board with a few darker lines."""
    image = np.full((64, 96, 3), 30, np.uint8)
    image[8::16] = 10
    image[:, 12::20] = 10
    return image


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Path, Path]:
    """Return a board with a bright fault, and the board as it should be."""
    faulty = board()
    faulty[FAULT[1] : FAULT[3], FAULT[0] : FAULT[2]] = 240
    found, golden = tmp_path / "board.png", tmp_path / "golden.png"
    cv2.imwrite(str(found), faulty)
    cv2.imwrite(str(golden), board())
    return found, golden


def boxes(project: Path) -> list[list[float]]:
    """Return the boxes of a project."""
    with Project(project) as opened:
        return [row.tolist() for row in opened.labels().xyxy]


def test_the_fault_is_found_against_the_template(comparing: Path, pictures: tuple[Path, Path], tmp_path: Path) -> None:
    """`label --template` finds what differs, where it is; against the picture itself nothing differs."""
    picture, golden = pictures
    words = ["label", str(picture), "--plugin", str(comparing), "--tracker", "none", "--device", "cpu"]
    first = CliRunner().invoke(
        application, [*words, "--project", str(tmp_path / "a.framelabel"), "--template", str(golden)]
    )
    assert first.exit_code == 0, first.output
    [box] = boxes(tmp_path / "a.framelabel")
    np.testing.assert_allclose(box, FAULT, atol=1.01)
    same = CliRunner().invoke(
        application, [*words, "--project", str(tmp_path / "b.framelabel"), "--template", str(picture)]
    )
    assert same.exit_code == 0, same.output
    assert boxes(tmp_path / "b.framelabel") == []


def test_another_template_is_another_run(comparing: Path, pictures: tuple[Path, Path], tmp_path: Path) -> None:
    """The template decides what is found, so what was found against another one is not taken for it."""
    picture, golden = pictures
    project = tmp_path / "p.framelabel"
    settings = {"videos": (picture,), "plugin": str(comparing), "project": project, "tracker": "none"}
    runs = [label.run(label.LabelConfig(**settings, template=path)) for path in (golden, golden, picture)]  # type: ignore[arg-type]
    assert [run.videos[0].is_new for run in runs] == [True, False, True]


def test_nothing_to_compare_with_is_said_at_once(comparing: Path, pictures: tuple[Path, Path], tmp_path: Path) -> None:
    """Without a template the command ends before it decodes; a plugin that compares nothing refuses one."""
    picture, golden = pictures
    config = label.LabelConfig(videos=(picture,), plugin=str(comparing), project=tmp_path / "p.framelabel")
    with pytest.raises(UsageError, match="compares pictures with a golden one: give it with --template"):
        label.run(config)
    plain = discs.write_segmenter(tmp_path / "plain")
    with pytest.raises(UsageError, match="plugin 'discs' compares with no template"):
        plugins.build(plugins.load(plain), device="cpu", template=golden)


def test_a_plugin_may_bring_its_template(comparing: Path, pictures: tuple[Path, Path]) -> None:
    """`model.template` is used when none is given, and a sample's own in its self-test; elsewhere it is an error."""
    picture, golden = pictures
    golden.replace(comparing / "golden.png")
    picture.replace(comparing / "board.png")
    manifest = comparing / "plugin.yaml"
    text = manifest.read_text("utf-8")
    sample = "samples: [{media: board.png, expected: board.json, template: golden.png}]\n"
    (comparing / "board.json").write_text(
        f'{{"frames": {{"0": [{{"label": "car", "xyxy": {list(FAULT)}}}]}}}}', "utf-8"
    )
    manifest.write_text(text + sample, "utf-8")
    steps = list(check(comparing, device="cpu"))
    assert [step.text for step in steps if step.level is Level.PROBLEM] == []
    assert "1 of 1 expected boxes found" in steps[-1].text
    manifest.write_text(text.replace("  decoder", "  template: golden.png\n  decoder"), "utf-8")
    built = plugins.build(plugins.load(comparing), device="cpu")
    assert built.template_digest.startswith("sha256:")
    built.need_template()
    manifest.write_text(text.replace("pair}\n", "rgb}\n  template: golden.png\n"), "utf-8")
    with pytest.raises(InvalidManifestError, match="template needs input"):
        plugins.load(comparing)


@pytest.mark.parametrize(
    ("own", "views", "effort", "looked"),
    [
        pytest.param("", (), "auto", 1, id="plain"),
        pytest.param("views: [mirror]", (), "auto", 2, id="the-plugins-own"),
        pytest.param("views: [mirror]", ("mirror", "flip"), "auto", 3, id="asked-for"),
        pytest.param("views: [mirror]", ("none",), "auto", 1, id="none"),
        pytest.param("", (), "full", 6, id="full-effort"),
        pytest.param("views: [flip]", (), "full", 7, id="full-effort-and-own"),
    ],
)
def test_views_are_those_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str, views: tuple[str, ...], effort: str, looked: int
) -> None:
    """The model sees one picture for each view (four for the nearer one): the plugin's views, or those of --views."""
    folder = discs.write_segmenter(tmp_path / "discs")
    manifest = folder / "plugin.yaml"
    manifest.write_text(manifest.read_text("utf-8").replace("  decoder", f"  {own}\n  decoder"), "utf-8")
    picture = discs.write_picture(tmp_path / "a.png", discs.picture(4))
    seen: list[int] = []
    run = Session.run

    def counted(session: Session, batch: NDArray[np.float32], sizes: NDArray[np.int64] | None = None) -> object:
        seen.append(len(batch))
        return run(session, batch, sizes)

    config = label.LabelConfig(
        videos=(picture,), plugin=str(folder), project=tmp_path / "p.framelabel", views=views, effort=effort
    )
    manifest_of = plugins.load(folder)
    look = look_of(plugins.build(manifest_of, device="cpu"), effort, views)
    monkeypatch.setattr(Session, "run", counted)
    frame = Frame(FrameRef(VideoId(0), 0, 0), discs.picture(4))
    list(look(_One(frame), 0))
    assert sum(seen) == looked
    assert label.run(config).is_complete


class _One:
    """A source of one frame."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def frames(self, done: int) -> Iterator[Frame]:
        return iter([self._frame][done:])

    def ordinals(self) -> NDArray[np.int64]:
        return np.zeros(1, np.int64)

    def total(self) -> int:
        return 1


def test_no_views_and_some_is_a_contradiction(tmp_path: Path) -> None:
    """`--views none` with another view, or with full effort, is refused."""
    plugin = plugins.build(plugins.load(discs.write_segmenter(tmp_path / "discs")), device="cpu")
    for views, effort in ((("none", "flip"), "auto"), (("none",), "full")):
        with pytest.raises(UsageError, match="--views none contradicts further views"):
            look_of(plugin, effort, views)
