from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from framelabel.core.errors import InvalidLabelsError
from framelabel.core.labels import Labels
from framelabel.formats.catalog import FORMATS, detect_format
from framelabel.formats.comparison import differences
from framelabel.formats.protocol import Format
from framelabel.formats.report import LossReport

NAMES = sorted(FORMATS)


def _format(name: str) -> Format[Any]:
    return FORMATS.load(name)()


def _content(path: Path) -> dict[str, bytes]:
    if path.is_file():
        return {"": path.read_bytes()}
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("given", ["clips", "pictures"])
def test_a_written_file_reads_back_as_what_the_format_holds(
    name: str, given: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Everything that the loss report does not name comes back to the last digit."""
    labels: Labels = request.getfixturevalue(given)
    kind = _format(name)
    loss = LossReport(name)
    expected = kind.fit(labels, loss)
    written = kind.write(labels, tmp_path / "data set")
    assert written.losses == loss.losses
    assert (written.labels, written.frames) == (len(expected), len(expected.frames))
    found, report = kind.read(tmp_path / "data set")
    assert report.skipped == 0, list(report.lines())
    assert differences(expected, found) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("given", ["clips", "pictures"])
def test_export_import_export_is_identical(
    name: str, given: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The second export has the same bytes as the first, and loses nothing."""
    kind = _format(name)
    kind.write(request.getfixturevalue(given), tmp_path / "once" / "data")
    labels, _ = kind.read(tmp_path / "once" / "data")
    loss = kind.write(labels, tmp_path / "twice" / "data")
    assert list(loss.lines()) == []
    assert _content(tmp_path / "once" / "data") == _content(tmp_path / "twice" / "data")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("given", ["clips", "pictures"])
def test_a_format_recognises_its_own_files(
    name: str, given: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """`convert` and `import` need no --from."""
    loss = _format(name).write(request.getfixturevalue(given), tmp_path / "data")
    if not loss.labels:
        return  # a file without labels need not show what it is
    found = detect_format(tmp_path / "data")
    assert FORMATS.load(found).detect(tmp_path / "data")
    assert found == name or found in SAME_SHAPE.get(name, ())


@pytest.mark.parametrize(
    ("name", "options"),
    [pytest.param(name, {}, id=name) for name in NAMES] + [pytest.param("yolo", {"task": "pose"}, id="yolo-pose")],
)
def test_names_of_joints_are_kept_or_counted(name: str, options: dict[str, str], clips: Labels, tmp_path: Path) -> None:
    """Names of joints and the skeleton come back, or the loss report counts the class that had them."""
    entry = FORMATS.load(name)
    kind = entry(entry.Options(**options))
    loss = kind.write(clips, tmp_path / "data")
    found, _ = kind.read(tmp_path / "data")
    given = [spec for spec in clips.ontology.classes if spec.keypoints]
    kept = {(spec.keypoints, spec.skeleton) for spec in found.ontology.classes if spec.keypoints}
    if name in ("coco", "cocovid", "tao"):
        assert kept == {(spec.keypoints, spec.skeleton) for spec in given}
    else:
        assert not kept
    counted = sum(one.count for one in loss.losses.values() if one.kind == "names of joints")
    assert counted == (0 if kept or not loss.labels else len(given))  # lists of events hold no classes at all


@pytest.mark.parametrize("name", NAMES)
def test_no_labels_at_all_are_written_and_read(name: str, nothing: Labels, tmp_path: Path) -> None:
    """An empty project exports; what comes back is empty, or one line that says that nothing is there."""
    kind = _format(name)
    kind.write(nothing, tmp_path / "data")
    found = None
    with suppress(InvalidLabelsError):
        found, _ = kind.read(tmp_path / "data")
    assert found is None or len(found) == 0


SAME_SHAPE: dict[str, tuple[str, ...]] = {"cocovid": ("coco",), "tao": ("coco",)}
"""Formats that cannot be told apart from a more general one by content."""
