from __future__ import annotations

from pathlib import Path

import pytest

from framelabel.formats.yolo import Yolo


@pytest.mark.parametrize(
    ("table", "kept"),
    [
        pytest.param(b"train/a.png,64,48\n", 1, id="whole"),
        pytest.param(b"train/a\r.png,64,48\n", 0, id="carriage-return-in-a-name"),
        pytest.param(b"train/" + b"a" * 200_000 + b",64,48\n", 0, id="endless-field"),
    ],
)
def test_a_damaged_table_of_sizes_is_a_warning(table: bytes, kept: int, tmp_path: Path) -> None:
    """Coverage-guided fuzzing found a stray carriage return in the table that stopped the reader."""
    (tmp_path / "labels" / "train").mkdir(parents=True)
    (tmp_path / "labels" / "train" / "a.txt").write_text("0 0.5 0.5 0.25 0.25\n")
    (tmp_path / "train_picture_sizes.csv").write_bytes(table)
    labels, report = Yolo().read(tmp_path)
    assert len(labels) == kept
    assert kept or len(report) > 0
