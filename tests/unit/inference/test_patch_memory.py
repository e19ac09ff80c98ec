"""The memory of good patches as an ONNX graph, against the same sums done with numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from framelabel.inference.backbones import cut, filters
from framelabel.inference.patch_memory import PatchMemory, build_graph, thinned
from framelabel.inference.preprocess import InputOptions
from framelabel.inference.session import Session

STREET = Path(__file__).resolve().parents[3] / "plugins" / "street" / "models" / "street.onnx"


def _memory(features: NDArray[np.float32], threshold: float) -> PatchMemory:
    table = features.reshape(len(features), -1).T
    random = np.random.default_rng(0)
    bank = random.normal(size=(50, table.shape[1])).astype(np.float16).astype(np.float32)
    return PatchMemory(filters((64, 48)), table.mean(axis=0), table.std(axis=0) + 0.1, bank, threshold)


def test_the_graph_computes_the_nearest_distance() -> None:
    """Before smoothing, each cell's distance is that of scipy to the nearest patch of the memory."""
    picture = np.random.default_rng(1).uniform(0, 255, (1, 3, 48, 64)).astype(np.float32)
    backbone = filters((64, 48))
    features = Session(Path("f.onnx"), device="cpu", model=backbone.model).run(picture)[0][0]
    assert features.shape == (35, 12, 16)
    memory = _memory(features, 3.0)
    table = (features.reshape(35, -1).T - memory.mean) / memory.deviation
    expected = cdist(table, memory.bank).min(axis=1).reshape(12, 16)
    good, bad = Session(Path("m.onnx"), device="cpu", model=build_graph(memory)).run(picture)[0][0]
    assert good.shape == (48, 64)
    np.testing.assert_allclose(good + bad, 1.0, atol=1e-6)
    distances = bad / good * 3.0
    # The map is resized and blurred by half a cell; its mean over the middle stays that of the cells.
    np.testing.assert_allclose(distances[8:-8, 8:-8].mean(), expected[2:-2, 2:-2].mean(), rtol=0.02)
    assert expected.min() - 1e-3 <= distances.min()
    assert distances.max() <= expected.max() + 1e-3


def test_a_patch_in_memory_is_no_anomaly() -> None:
    """A flat picture whose only patch is remembered has distance nought everywhere."""
    backbone = filters((64, 64))
    picture = np.full((1, 3, 64, 64), 77.0, np.float32)
    features = Session(Path("f.onnx"), device="cpu", model=backbone.model).run(picture)[0][0]
    flat = features.reshape(35, -1).T
    memory = PatchMemory(backbone, flat[0] * 0, np.ones(35, np.float32) * 100, (flat / 100).astype(np.float32), 1.0)
    _, bad = Session(Path("m.onnx"), device="cpu", model=build_graph(memory)).run(picture)[0][0]
    assert bad.max() < 0.06


def test_thinning_covers_the_cloud() -> None:
    """Greedy k-centre takes far points first: of five clusters and a stray point, six rows show all six."""
    random = np.random.default_rng(2)
    centres = np.array([[0, 0], [50, 0], [0, 50], [50, 50], [25, 25], [500, 500]], np.float32)
    cloud = np.concatenate([random.normal(centre, 1, (100, 2)) for centre in centres[:5]] + [centres[5:]])
    rows = thinned(cloud.astype(np.float32), 6)
    nearest = cdist(cloud[rows], centres).argmin(axis=1)
    assert sorted(nearest.tolist()) == [0, 1, 2, 3, 4, 5]
    assert thinned(cloud[:4].astype(np.float32), 6).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("size", [(64, 64), (160, 96)])
def test_layers_of_a_network_are_the_network_s_own(size: tuple[int, int]) -> None:
    """The cut network gives the layer's values, averaged over 3 x 3 cells; both strides are found by themselves."""
    feed = InputOptions(size=size, resize="stretch", colour="bgr")
    backbone = cut(STREET, feed)
    picture = np.random.default_rng(0).uniform(0, 255, (1, 3, size[1], size[0])).astype(np.float32)
    features = Session(Path("c.onnx"), device="cpu", model=backbone.model).run(picture)[0][0]
    assert features.shape == (192, size[1] // 8, size[0] // 8)
    first = backbone.source.rpartition("layers ")[2].split(", ")[0]
    alone = Session(Path("c.onnx"), device="cpu", model=cut(STREET, feed, [first]).model).run(picture)[0][0]
    np.testing.assert_allclose(features[: len(alone)], alone, atol=1e-5)
