"""What every bundled plugin owes. It runs over the plugins folder, so a new plugin is held to it by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from framelabel import plugins
from framelabel.plugins.building import model_source
from framelabel.plugins.check import Level, check
from framelabel.plugins.loading import bundled_folder

NAMES = sorted(path.parent.name for path in bundled_folder().glob("*/plugin.yaml"))
names = pytest.mark.parametrize("name", NAMES)


@names
def test_the_folder_is_named_after_the_plugin(name: str) -> None:
    """`--plugin NAME` finds the folder, and the project says the same name."""
    assert plugins.load(name).name == name


@names
def test_the_model_is_known_by_content_and_licence(name: str) -> None:
    """Weights have a digest, a licence and a source: nobody labels with an unknown model."""
    manifest = plugins.load(name)
    model = plugins.load(manifest.model.of_plugin).model if manifest.model.of_plugin else manifest.model
    assert model.digest.startswith("sha256:")
    assert model.licence
    assert model.source or (manifest.folder / model.file).is_file()


@names
def test_the_readme_is_a_model_card(name: str) -> None:
    """It says which data the model saw, under which licence, and where it fails."""
    text = (bundled_folder() / name / "README.md").read_text("utf-8").lower()
    for words in (("licence",), ("data",), ("fail", "limit")):
        assert any(word in text for word in words), f"README.md of {name} says nothing about {words[0]}"


@names
def test_it_finds_what_its_samples_promise(
    name: str, shared: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every step of `plugins check` is good on this machine: model, picture, samples."""
    source, folder = model_source(plugins.load(name))
    monkeypatch.setenv("FRAMELABEL_OFFLINE", "1")
    if not (folder / source.file).is_file():
        monkeypatch.setenv("FRAMELABEL_MODELS", str(shared("models")))
    steps = list(check(name, device="cpu"))
    assert [step for step in steps if step.level is Level.PROBLEM] == []


@names
def test_classes_have_distinct_colours(name: str) -> None:
    """Where colours are chosen, no two classes share one."""
    colours = [entry.colour for entry in plugins.load(name).classes if entry.colour]
    assert len(colours) == len(set(colours))
