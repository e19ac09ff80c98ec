"""One box for one object, by the definition of greedy suppression."""

from __future__ import annotations

import numpy as np
import pytest

from framelabel.core.geometry import iou
from framelabel.inference.suppression import suppress

BOX = [0.0, 0.0, 10.0, 10.0]
NEAR = [1.0, 0.0, 11.0, 10.0]  # IoU with BOX 9/11 = 0.818
FAR = [50.0, 50.0, 60.0, 60.0]


@pytest.mark.parametrize(
    ("boxes", "scores", "classes", "limits", "expected"),
    [
        pytest.param([], [], [], (0.5, 1.0), [], id="empty"),
        pytest.param([BOX], [0.3], [0], (0.5, 1.0), [0], id="one"),
        pytest.param([NEAR, BOX, FAR], [0.6, 0.9, 0.7], [0, 0, 0], (0.5, 1.0), [1, 2], id="near-falls"),
        pytest.param([NEAR, BOX], [0.6, 0.9], [0, 0], (0.82, 1.0), [1, 0], id="limit-above-overlap"),
        pytest.param([NEAR, BOX], [0.6, 0.9], [1, 0], (0.5, 1.0), [1, 0], id="other-class-stays"),
        pytest.param([NEAR, BOX], [0.6, 0.9], [1, 0], (0.5, 0.8), [1], id="other-class-falls-where-asked"),
        pytest.param([BOX, BOX], [0.5, 0.5], [0, 0], (0.5, 1.0), [0], id="equal-scores-keep-the-first"),
    ],
)
def test_table(
    boxes: list[list[float]],
    scores: list[float],
    classes: list[int],
    limits: tuple[float, float],
    expected: list[int],
) -> None:
    """Rows kept, best first."""
    xyxy = np.array(boxes, np.float64).reshape(-1, 4)
    kept = suppress(xyxy, np.array(scores), np.array(classes, np.int32), limits[0], cross_class_iou=limits[1])
    assert kept.tolist() == expected


def test_a_suppressed_box_suppresses_nothing() -> None:
    """Chain a-b-c: b falls to a, so c, which only b overlaps, stays."""
    chain = np.array([[0.0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]])
    assert suppress(chain, np.array([0.9, 0.8, 0.7]), np.zeros(3, np.int32), 0.4).tolist() == [0, 2]


@pytest.mark.parametrize(("seed", "count"), [(0, 60), (1, 120), (2, 257), (3, 700)])
def test_agrees_with_the_textbook_loop(seed: int, count: int) -> None:
    """The vectorised version keeps exactly the rows that the plain greedy loop keeps."""
    random = np.random.default_rng(seed)
    corner = random.uniform(0, 150, (count, 2))
    xyxy = np.concatenate([corner, corner + random.uniform(5, 30, (count, 2))], axis=1)
    score, class_id = random.uniform(0, 1, count), random.integers(0, 3, count).astype(np.int32)
    overlap = iou(xyxy, xyxy)
    kept: list[int] = []
    for row in np.argsort(-score):
        limits = [0.45 if class_id[row] == class_id[other] else 0.8 for other in kept]
        if all(overlap[row, other] <= limit for other, limit in zip(kept, limits, strict=True)):
            kept.append(int(row))
    assert suppress(xyxy, score, class_id, 0.45, cross_class_iou=0.8).tolist() == kept
    assert suppress(xyxy, score, class_id, 0.45, cross_class_iou=0.8, most=20).tolist() == kept[:20]
