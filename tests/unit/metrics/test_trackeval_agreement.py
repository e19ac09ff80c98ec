"""The tracking metrics against figures that TrackEval and py-motmetrics published."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from framelabel.metrics.challenges import MotEdition, mot_challenge, mot_observations
from framelabel.metrics.matching import overlap
from framelabel.metrics.tracking import TrackingScore, score_tracks

SEQUENCES = ("MOT17-02-FRCNN", "MOT17-05-FRCNN", "MOT17-10-FRCNN", "MOT17-11-FRCNN", "MOT17-13-FRCNN")


def _frame_count(folder: Path) -> int:
    found = re.search(r"seqLength=(\d+)", (folder / "seqinfo.ini").read_text())
    assert found is not None
    return int(found.group(1))


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_every_figure_agrees_with_trackeval(shared: Callable[[str], Path], sequence: str) -> None:
    """All figures of TrackEval's detailed file, per alpha included, agree to 1e-6."""
    reference = shared("data/mot/MOT17_trackeval_reference")
    folder = shared(f"data/mot/MOT17-train/{sequence}")
    truth = mot_observations(np.loadtxt(folder / "gt/gt.txt", delimiter=",", ndmin=2), has_classes=True)
    prediction = mot_observations(np.loadtxt(reference / f"data/{sequence}.txt", delimiter=",", ndmin=2))
    score = score_tracks(overlap(*mot_challenge(truth, prediction), _frame_count(folder)))
    with (reference / "pedestrian_detailed.csv").open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["seq"] == sequence)
    curves, figures = score.hota.curves(), score.figures()
    checked = 0
    for name, text in row.items():
        stem, _, alpha = name.partition("___")
        if name == "seq":
            continue
        ours = figures[stem] if alpha in {"", "AUC"} else curves[stem][int(alpha) // 5 - 1]
        assert ours == pytest.approx(float(text), abs=1e-6, rel=1e-12), name
        checked += 1
    assert checked == 275


PUBLISHED = {
    # py-motmetrics, README "Compute metrics for many sequences", rows of `motmetrics.apps.eval_motchallenge`
    "TUD-Campus": {
        "IDF1": 0.557659, "IDP": 0.729730, "IDR": 0.451253, "CLR_Re": 0.582173, "CLR_Pr": 0.941441, "GT_IDs": 8,
        "MT": 1, "PT": 6, "ML": 1, "CLR_FP": 13, "CLR_FN": 150, "IDSW": 7, "Frag": 7, "MOTA": 0.526462,
        "distance": 0.277201,
    },
    "TUD-Stadtmitte": {
        "IDF1": 0.644619, "IDP": 0.819760, "IDR": 0.531142, "CLR_Re": 0.608997, "CLR_Pr": 0.939920, "GT_IDs": 10,
        "MT": 5, "PT": 4, "ML": 1, "CLR_FP": 45, "CLR_FN": 452, "IDSW": 7, "Frag": 6, "MOTA": 0.564014,
        "distance": 0.345904,
    },
    "both": {
        "IDF1": 0.624296, "IDP": 0.799176, "IDR": 0.512211, "CLR_Re": 0.602640, "CLR_Pr": 0.940268, "GT_IDs": 18,
        "MT": 6, "PT": 10, "ML": 2, "CLR_FP": 58, "CLR_FN": 602, "IDSW": 14, "Frag": 13, "MOTA": 0.555116,
        "distance": 0.330177,
    },
}  # fmt: skip


@pytest.mark.parametrize("sequence", PUBLISHED)
def test_figures_agree_with_motmetrics(shared: Callable[[str], Path], sequence: str) -> None:
    """CLEAR and identity figures agree with those py-motmetrics publishes for the TUD sequences, also combined."""
    score = TrackingScore()
    for name in ("TUD-Campus", "TUD-Stadtmitte") if sequence == "both" else (sequence,):
        folder = shared(f"data/mot/motmetrics_TUD/{name}")
        tables = [np.loadtxt(folder / file, delimiter=",", ndmin=2) for file in ("gt.txt", "test.txt")]
        truth, prediction = (mot_observations(table) for table in tables)
        pair = mot_challenge(truth, prediction, MotEdition.MOT15)
        score += score_tracks(overlap(*pair, int(tables[0][:, 0].max())))
    figures = score.figures()
    figures["distance"] = 1 - figures["MOTP"]
    for name, expected in PUBLISHED[sequence].items():
        assert figures[name] == pytest.approx(expected, abs=5.1e-7), name
