"""Plugins are found by name, folder and entry point without running them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from framelabel import plugins
from framelabel.core.errors import (
    FramelabelError,
    InvalidManifestError,
    MissingModelError,
    UnknownNameError,
    UsageError,
)
from framelabel.plugins.loading import bundled_folder

Make = Callable[..., Path]


def test_bundled_by_name() -> None:
    """The name of a bundled plugin is enough, from any folder."""
    assert plugins.load("surveillance").folder == bundled_folder() / "surveillance"


def test_unknown_name_says_the_nearest() -> None:
    """A typing error is answered with the name that was meant."""
    with pytest.raises(UnknownNameError, match="Did you mean 'surveillance'"):
        plugins.load("surveilance")


@pytest.mark.parametrize("form", ["folder", "text", "manifest"])
def test_by_folder(make_plugin: Make, form: str) -> None:
    """A folder, its path as text, or its plugin.yaml name the same plugin."""
    folder = make_plugin()
    forms: dict[str, str | Path] = {"folder": folder, "text": str(folder), "manifest": folder / "plugin.yaml"}
    assert plugins.load(forms[form]).folder == folder


def test_folder_without_manifest(tmp_path: Path) -> None:
    """The line names the file that is missing."""
    with pytest.raises(InvalidManifestError, match=r"no plugin\.yaml in this folder"):
        plugins.load(tmp_path)


def test_zip_is_installed_first(tmp_path: Path) -> None:
    """A zip is not run from; the line says the command."""
    with pytest.raises(UsageError, match="framelabel plugins install"):
        plugins.load(tmp_path / "a.zip")


def test_installed_plugins_are_known(make_plugin: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What lies in the folder of installed plugins can be named."""
    make_plugin(name="installed/demo")
    monkeypatch.setenv("FRAMELABEL_PLUGINS", str(tmp_path / "installed"))
    assert plugins.known_plugins()["demo"] == tmp_path / "installed" / "demo"
    assert plugins.load("demo").name == "demo"


def test_entry_point_of_a_package_that_is_never_imported(
    make_plugin: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A Python package publishes a plugin; listing and loading it does not import the package."""
    site = tmp_path / "site"
    make_plugin(name="site/acme_plugin")
    (site / "acme_plugin" / "__init__.py").write_text("raise SystemExit('imported')")
    facts = site / "acme_plugin-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-plugin\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[framelabel.plugins]\nacme = acme_plugin\n")
    (facts / "top_level.txt").write_text("acme_plugin\n")
    (facts / "RECORD").write_text("acme_plugin/__init__.py,,\nacme_plugin/plugin.yaml,,\n")
    monkeypatch.syspath_prepend(str(site))
    assert plugins.load("acme").folder == site / "acme_plugin"
    assert "acme_plugin" not in sys.modules


def test_build_uses_the_manifest(make_plugin: Make) -> None:
    """Thresholds by class reach the detector: the dog scores 0.3, the bar is 0.28, then 0.31."""
    import numpy as np

    picture = np.full((32, 32, 3), 204, np.uint8)
    plugin = plugins.build(plugins.load(make_plugin()), device="cpu")
    assert [plugin.ontology.names[number] for number in plugin.detector([picture])[0].class_id] == ["cat", "dog"]
    strict = plugins.build(plugins.load(make_plugin(("{dog: 0.28}", "{dog: 0.31}"), name="strict")), device="cpu")
    assert [strict.ontology.names[number] for number in strict.detector([picture])[0].class_id] == ["cat"]


def test_a_model_of_another_plugin(make_plugin: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """of_plugin takes file and digest from a plugin that can be named; weights are not copied."""
    make_plugin(name="installed/demo")
    monkeypatch.setenv("FRAMELABEL_PLUGINS", str(tmp_path / "installed"))
    borrower = make_plugin(("  file: models/m.onnx\n", "  of_plugin: demo\n"), name="borrower")
    plugin = plugins.build(plugins.load(borrower), device="cpu")
    assert plugin.model_path == tmp_path / "installed" / "demo" / "models" / "m.onnx"


def test_missing_model_is_one_line(make_plugin: Make) -> None:
    """A plugin whose weights are not there says which file it wants."""
    folder = make_plugin()
    (folder / "models" / "m.onnx").unlink()
    with pytest.raises(MissingModelError, match=r"models/m\.onnx") as caught:
        plugins.build(plugins.load(folder))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        pytest.param("def fix(boxes, ref):\n    return boxes.select(boxes.score > 0.5)\n", "", id="good"),
        pytest.param("def fix(boxes):\n    return boxes\n", "must take \\(boxes, ref\\)", id="arguments"),
        pytest.param("def other(boxes, ref):\n    return boxes\n", "has no function 'fix'", id="name"),
        pytest.param("import no_such_module\n", "the hook does not load: ModuleNotFoundError", id="import"),
        pytest.param("def fix(boxes, ref):\n    return None\n", "must return Boxes, got NoneType", id="result"),
    ],
)
def test_hook(make_plugin: Make, code: str, message: str) -> None:
    """A hook is a function from boxes and frame to boxes; anything else is one line."""
    import numpy as np

    from framelabel.core.frames import FrameRef, VideoId

    folder = make_plugin(("review:", "hook: hook.py:fix\nreview:"))
    (folder / "hook.py").write_text(code)
    manifest = plugins.load(folder)

    def run() -> int:
        plugin = plugins.build(manifest, device="cpu")
        boxes = plugin.detector([np.full((32, 32, 3), 204, np.uint8)])[0]
        return len(plugin.hook(boxes, FrameRef(VideoId(0), 0, 0)))

    if message:
        with pytest.raises(FramelabelError, match=message):
            run()
    else:
        assert run() == 1
