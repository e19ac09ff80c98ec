"""`framelabel plugins fit-anomaly`: from good pictures of a fixed camera to a plugin that marks what differs."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel import plugins
from framelabel.cli.main import main
from framelabel.core.errors import UsageError
from framelabel.core.geometry import iou
from framelabel.plugins.check import Level, check
from framelabel.plugins.golden import disturbed
from framelabel.workflows.plugin_fit_anomaly import PluginFitAnomalyConfig, run

Picture = NDArray[np.uint8]
SCRATCH = (120, 60, 150, 72)
"""left, top, right, bottom of the fault."""


def part() -> Picture:
    """Return a machined part: plates, holes and slots on a bench."""
    random = np.random.default_rng(7)
    image = np.full((160, 240, 3), 90, np.uint8)
    for _ in range(25):
        left, top = random.integers(5, 200), random.integers(5, 130)
        colour = tuple(int(value) for value in random.integers(60, 220, 3))
        cv2.rectangle(image, (int(left), int(top)), (int(left + 25), int(top + 18)), colour, -1)
    cv2.rectangle(image, (110, 50), (165, 85), (150, 150, 140), -1)
    return image


def with_fault(image: Picture) -> Picture:
    """Return the part with a dark scratch."""
    left, top, right, bottom = SCRATCH
    broken = image.copy()
    broken[top:bottom, left:right] = (60, 55, 50)
    return broken


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the plugin learnt from six good pictures by the command line."""
    root = tmp_path_factory.mktemp("anomaly")
    (root / "good").mkdir()
    for number, image in enumerate(disturbed(part(), 6, seed=1)):
        cv2.imwrite(str(root / "good" / f"{number}.png"), image[:, :, ::-1])
    with pytest.raises(SystemExit) as ended:
        main(["plugins", "fit-anomaly", "--good", str(root / "good"), "--out", str(root / "bracket")])
    assert not ended.value.code
    return root / "bracket"


def test_the_plugin_proves_itself(folder: Path) -> None:
    """`plugins check` has neither a problem nor a suspicion; the golden template itself is found clean."""
    steps = list(check(str(folder), device="cpu"))
    assert [step.text for step in steps if step.level is not Level.GOOD] == []
    assert any(step.name == "sample" for step in steps)


@pytest.mark.parametrize("shift", [(0, 0), (6, -9), (-14, 12)], ids=str)
def test_a_fault_is_marked_where_it_is(folder: Path, shift: tuple[int, int]) -> None:
    """The box lies on the fault in the picture's own pixels, also for a part that lies elsewhere in lower light."""
    plugin = plugins.build(plugins.load(str(folder)), device="cpu")
    move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float64)
    image = cv2.warpAffine(with_fault(part()), move, (240, 160), borderMode=cv2.BORDER_REPLICATE)
    found = plugin.detector.find([np.asarray(image * 0.9, np.uint8)])[0]
    truth = np.array([SCRATCH], np.float64) + np.array(shift * 2)
    assert float(iou(truth, found.boxes.xyxy[:1])[0, 0]) > 0.7
    assert len(found.boxes) == 1


def test_good_pictures_stay_clean(folder: Path) -> None:
    """Of twenty good pictures that were not learnt from, at most one is marked."""
    plugin = plugins.build(plugins.load(str(folder)), device="cpu")
    marked = [len(boxes) > 0 for boxes in plugin.detector(disturbed(part(), 20, seed=2))]
    assert sum(marked) <= 1


def test_what_cannot_be_learnt_from_is_named(folder: Path, tmp_path: Path) -> None:
    """An empty folder, pictures of two sizes and a folder that exists are refused in one line."""
    empty = tmp_path / "good"
    empty.mkdir()
    with pytest.raises(UsageError, match="no pictures"):
        run(PluginFitAnomalyConfig(good=empty, out=tmp_path / "a"))
    cv2.imwrite(str(empty / "1.png"), part())
    cv2.imwrite(str(empty / "2.png"), part()[:100])
    with pytest.raises(UsageError, match="240x100, 240x160"):
        run(PluginFitAnomalyConfig(good=empty, out=tmp_path / "a"))
    with pytest.raises(UsageError, match="already there"):
        run(PluginFitAnomalyConfig(good=empty, out=folder))
