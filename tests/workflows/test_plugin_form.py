"""The plugin form: what a change would find, and saving that never destroys what the user wrote."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framelabel import plugins
from framelabel.core.errors import InvalidManifestError, UsageError
from framelabel.core.frames import VideoId
from framelabel.media import open_reader
from framelabel.plugins.loading import bundled_folder
from framelabel.store.project import Project
from framelabel.workflows import label
from framelabel.workflows.plugin_form import PluginForm, plugin_of, rule_kinds
from tests.assets import squares

LEFT_HALF = {"name": "left", "polygon": [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]], "anchor": "center"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a clip of two squares, a plugin, and a project labelled with it."""
    folder = tmp_path_factory.mktemp("site")
    clip = squares.write_clip(folder / "squares.mp4", 30)
    plugin = squares.write_plugin(folder / "plugin")
    label.run(label.LabelConfig(videos=(clip,), plugin=str(plugin), project=folder / "site.framelabel"))
    return folder


@pytest.fixture
def copied(site: Path, tmp_path: Path) -> Path:
    """Return a copy of that folder that a test may change."""
    return Path(shutil.copytree(site, tmp_path / "site"))


def test_preview_is_what_the_plugin_would_find(copied: Path) -> None:
    """The boxes are those of the plugin with the changed values, with the zones they stand in; no file changes."""
    form = PluginForm(copied / "plugin")
    before = form.file.read_text("utf-8")
    values = form.state()["values"]
    with closing(open_reader(copied / "squares.mp4")) as reader:
        frame = reader.frame(5)
    built = plugins.build(plugins.load(copied / "plugin"), device="cpu")
    expected = built.detector([frame.image])[0]
    found = form.preview({**values, "zones": [LEFT_HALF]}, frame.ref, frame.image)
    assert len(found) == len(expected)
    np.testing.assert_allclose(sorted(item["xyxy"] for item in found), sorted(expected.xyxy.round(2).tolist()))
    for item in found:
        middle = (item["xyxy"][0] + item["xyxy"][2]) / 2
        assert item["zones"] == (["left"] if middle <= frame.image.shape[1] / 2 else [])
    strict = {**values, "model": {**values["model"], "score_threshold": 1.0}}
    assert form.preview(strict, frame.ref, frame.image) == []
    assert form.file.read_text("utf-8") == before


def test_rules_are_tried_on_the_stored_labels(copied: Path) -> None:
    """How many events a rule would find is known before it is saved; storing them uses the rules as saved."""
    form = PluginForm(copied / "plugin")
    state = form.state()
    rule = {"name": "on_the_left", "subject": "red", "inside": "left", "for_s": 0.1}
    values = {**state["values"], "zones": [LEFT_HALF], "rules": [rule]}
    with Project(copied / "site.framelabel", write=True) as project:
        video = project.videos()[0]
        tried = form.events(values, project, video)
        assert tried.keys() == {"on_the_left"}
        assert tried["on_the_left"] >= 1
        assert project.events(VideoId(1)) == []
        form.save(values, state["digest"], project)
        assert form.store_events(project, video) == tried["on_the_left"]
        assert len(project.events(VideoId(1))) == tried["on_the_left"]
        assert form.store_events(project, video) == len(project.events(VideoId(1))), "not doubled"


def test_save_keeps_what_was_there(copied: Path) -> None:
    """A save keeps the old file beside; a save on older text is refused, an invalid one writes nothing."""
    form = PluginForm(copied / "plugin")
    state = form.state()
    before = form.file.read_text("utf-8")
    with Project(copied / "site.framelabel", write=True) as project:
        broken = {**state["values"], "rules": [{"name": "x", "subject": "red", "inside": "nowhere"}]}
        with pytest.raises(InvalidManifestError, match="nowhere"):
            form.save(broken, state["digest"], project)
        assert form.file.read_text("utf-8") == before
        form.save({**state["values"], "zones": [LEFT_HALF]}, state["digest"], project)
        assert plugins.load(copied / "plugin").zones[0].name == "left"
        assert (copied / "plugin" / "plugin.yaml.bak").read_text("utf-8") == before
        with pytest.raises(UsageError, match="has changed since"):
            form.save(state["values"], state["digest"], project)
        assert plugins.load(copied / "plugin").zones[0].name == "left"
        assert plugin_of(project) == form.folder


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param({"model": {"url": "http://127.0.0.1:9/model.onnx"}}, "model.url", id="address"),
        pytest.param({"model": {"file": "other.onnx"}}, "model.file", id="file"),
        pytest.param({"hook": "hook.py:change"}, "hook", id="code"),
        pytest.param({"samples": [{"media": "a.jpg", "expected": "a.json"}]}, "samples", id="samples"),
        pytest.param({"model": None}, "model.", id="no-model"),
    ],
)
def test_files_addresses_and_code_are_not_changed_from_the_page(
    copied: Path, change: dict[str, Any], named: str
) -> None:
    """A person with the link tunes a plugin; what it loads, fetches or runs is decided where its files are."""
    form = PluginForm(copied / "plugin")
    before, state = form.file.read_text("utf-8"), form.state()
    values = {**state["values"], **change}
    if change.get("model"):
        values["model"] = {**state["values"]["model"], **change["model"]}
    image = np.zeros((64, 96, 3), np.uint8)
    with Project(copied / "site.framelabel", write=True) as project:
        ref = project.frame_index(VideoId(1)).ref(VideoId(1), 0)
        with pytest.raises(UsageError, match=named):
            form.preview(values, ref, image)
        with pytest.raises(UsageError, match=named):
            form.save(values, state["digest"], project)
    assert form.file.read_text("utf-8") == before


def test_a_bundled_plugin_is_copied_not_changed(copied: Path) -> None:
    """Saving a plugin that came along makes one beside the project, with the same model; the original stays."""
    form = PluginForm(bundled_folder() / "surveillance")
    before = form.file.read_text("utf-8")
    state = form.state()
    assert not state["is_own"]
    values: dict[str, Any] = {**state["values"], "zones": [LEFT_HALF]}
    with Project(copied / "site.framelabel", write=True) as project:
        own = form.save(values, state["digest"], project)
        with pytest.raises(UsageError, match="exists already"):
            form.save(values, state["digest"], project)
        assert plugin_of(project) == own.folder
    assert form.file.read_text("utf-8") == before
    assert own.is_own
    assert own.folder.parent == copied
    manifest = plugins.load(own.folder)
    assert manifest.model.of_plugin == "surveillance"
    assert [zone.name for zone in manifest.zones] == ["left"]
    original, mine = plugins.load(bundled_folder() / "surveillance"), manifest
    assert mine.classes == original.classes
    assert mine.model.input == original.model.input


def test_every_rule_setting_has_a_field() -> None:
    """The form knows each kind of rule, each of its settings, how it is typed, and says what it means."""
    kinds = rule_kinds()
    assert {"presence", "crossing", "count"} <= kinds.keys()
    fields = {field["name"]: field for field in kinds["presence"]}
    assert fields["for_s"]["value"] == "number"
    assert fields["subject"]["value"] == "names"
    assert fields["name"]["value"] == "text"
    assert all(field["help"] for some in kinds.values() for field in some)
