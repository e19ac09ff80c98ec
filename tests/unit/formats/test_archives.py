"""Zip archives made to harm, or damaged: one clear line, nothing outside, nothing left behind."""

from __future__ import annotations

import io
import stat
import struct
import tempfile
import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from framelabel.cli.main import application
from framelabel.core.errors import InvalidLabelsError
from framelabel.core.labels import FrameTable, Labels
from framelabel.core.ontology import Ontology
from framelabel.formats import archives
from framelabel.formats.builder import make_video
from framelabel.formats.catalog import FORMATS, detect_format
from framelabel.formats.comparison import differences
from framelabel.formats.report import LossReport

_COCO = b'{"images":[{"id":1,"file_name":"a.jpg"}],"annotations":[],"categories":[]}'


def _packed(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return content.getvalue()


def _link() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("labels.json")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def _encrypted() -> bytes:
    content = bytearray(_packed(("a.json", _COCO)))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(signature) + offset
        content[at : at + 2] = struct.pack("<H", 1)
    return bytes(content)


def _strangely_packed() -> bytes:
    """An entry packed by a method (97) that zip readers need not know."""
    content = bytearray(_packed(("a.json", _COCO)))
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = content.find(signature) + offset
        content[at : at + 2] = struct.pack("<H", 97)
    return bytes(content)


def _lying() -> bytes:
    """An entry that says it is small and unpacks to 100 MB."""
    content = bytearray(_packed(("a.json", b" " * 100_000_000)))
    at = content.find(b"PK\x01\x02") + 24
    content[at : at + 4] = struct.pack("<I", 100)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(lambda: _packed(("../../evil.json", _COCO)), "points outside the archive", id="dots"),
        pytest.param(lambda: _packed(("a/../../evil.json", _COCO)), "points outside the archive", id="dots-inside"),
        pytest.param(lambda: _packed(("..\\evil.json", _COCO)), "points outside the archive", id="backslashes"),
        pytest.param(lambda: _packed(("/etc/evil.json", _COCO)), "points outside the archive", id="absolute"),
        pytest.param(lambda: _packed(("C:/evil.json", _COCO)), "points outside the archive", id="drive"),
        pytest.param(lambda: _packed((_link(), b"/etc/passwd")), "points outside the archive", id="link"),
        pytest.param(lambda: _packed(("a.json", b"0" * 200_000_000)), "unpacks to more than", id="bomb"),
        pytest.param(_lying, "cannot be unpacked", id="lying-bomb"),
        pytest.param(_encrypted, "encrypted", id="encrypted"),
        pytest.param(_strangely_packed, "cannot be unpacked", id="unknown-method"),
        pytest.param(lambda: _packed(("a.json", _COCO))[:-30], "cannot be unpacked", id="cut-off"),
        pytest.param(lambda: _packed(("a", b"1"), ("a/b.json", _COCO)), "cannot be unpacked", id="file-and-folder"),
        pytest.param(lambda: _packed(("a.json", b'{"images":[')), "cut off", id="broken-content"),
    ],
)
def test_hostile_archives_are_one_clear_line(
    content: Callable[[], bytes], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line names the archive; no file appears anywhere, also not where it would have been unpacked."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    path = tmp_path / "in" / "labels.zip"
    path.parent.mkdir()
    path.write_bytes(content())
    with pytest.raises(InvalidLabelsError, match=message) as caught:
        FORMATS.load("coco")().read(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert "temporary" not in str(caught.value)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]


def test_a_damaged_entry_is_one_clear_line(tmp_path: Path) -> None:
    """Every byte of an archive may be wrong: reading ends with labels or a line, and leaves nothing behind."""
    whole = _packed(("labels.json", _COCO), ("x/data.txt", b"1 2 3"))
    path = tmp_path / "labels.zip"
    for at in range(0, len(whole), 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x5A]) + whole[at + 1 :])
        try:
            FORMATS.load("coco")().read(path)
        except InvalidLabelsError as error:
            assert str(error).startswith(str(path))  # noqa: PT017 - either outcome is right
    assert list(tmp_path.iterdir()) == [path]


def test_an_archive_with_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of files is bounded too."""
    monkeypatch.setattr(archives, "MOST_FILES", 2)
    path = tmp_path / "labels.zip"
    path.write_bytes(_packed(("a.json", b""), ("b.json", b""), ("c.json", b"")))
    with pytest.raises(InvalidLabelsError, match="more than 2"):
        detect_format(path)


@pytest.fixture
def drawn() -> Labels:
    """A clip of three frames with two boxes in the first two."""
    return Labels.of(
        Ontology.of(["car", "pedestrian"]),
        (make_video("street", (640, 480), 3, Fraction(25)),),
        FrameTable(np.zeros(3, np.int32), np.arange(3)),
        np.array([0, 0, 1, 1]),
        np.array([[1, 2, 30, 40], [50, 60, 90, 80], [2, 3, 31, 41], [51, 61, 91, 81]], np.float64),
        class_id=[0, 1, 0, 1],
        track_id=[1, 2, 1, 2],
    )


@pytest.mark.parametrize("name", ["yolo", "voc", "mot", "cvat_video", "coco", "bdd100k", "labelme", "kitti"])
def test_a_packed_export_reads_like_the_export(name: str, drawn: Labels, tmp_path: Path) -> None:
    """YOLO, VOC, MOT, CVAT and other exports come as zip; they are found and read without --from."""
    kind = FORMATS.load(name)()
    kind.write(drawn, tmp_path / "set")
    files = [tmp_path / "set"] if (tmp_path / "set").is_file() else sorted((tmp_path / "set").rglob("*"))
    entries = [("set.json" if file == tmp_path / "set" else str(file.relative_to(tmp_path)), file) for file in files]
    path = tmp_path / "set.zip"
    path.write_bytes(_packed(*[(entry, file.read_bytes()) for entry, file in entries if file.is_file()]))
    found, report = FORMATS.load(detect_format(path))().read(path)
    assert report.skipped == 0, list(report.lines())
    assert differences(kind.fit(drawn, LossReport(name)), found) == []


def test_commands_take_archives(tmp_path: Path) -> None:
    """`convert`, `import` and `validate` read a zip as they read a folder."""
    path = tmp_path / "labels.zip"
    path.write_bytes(_packed(("labels.json", _COCO)))
    for arguments in (
        ["validate", str(path)],
        ["convert", str(path), str(tmp_path / "out.csv"), "--to", "csv"],
        ["import", str(tmp_path / "p.framelabel"), str(path)],
    ):
        result = CliRunner().invoke(application, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
    assert (tmp_path / "out.csv").is_file()
