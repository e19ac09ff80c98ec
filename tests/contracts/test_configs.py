"""Every saved config is one that `framelabel label` takes: keys, values, plugin and export formats exist."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from framelabel.core.config import build
from framelabel.formats.catalog import FORMATS
from framelabel.plugins.loading import bundled_folder, known_plugins
from framelabel.workflows.label import LabelConfig

FOLDER = Path(__file__).resolve().parents[2] / "configs"
START = "# framelabel label "
CONFIGS = sorted(path.stem for path in FOLDER.glob("*.yaml") if path.read_text("utf-8").startswith(START))


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_can_be_used(name: str) -> None:
    """Its keys are flags, its values of their types; the plugin is bundled unless the file's comment says otherwise."""
    text = (FOLDER / f"{name}.yaml").read_text("utf-8")
    values = yaml.safe_load(text)
    config = build(LabelConfig, {"videos": ("clip.mp4",), "project": "p.framelabel", "plugin": "yours", **values}, name)
    assert config.plugin in known_plugins() or f"--plugin {config.plugin}" in text or "--plugin" in text.split("\n")[0]
    assert all(target.partition("=")[0] in FORMATS for target in config.export)


def test_every_plugin_that_says_something_has_a_config() -> None:
    """A bundled plugin with rules has a config to start from."""
    with_rules = [path.parent.name for path in bundled_folder().glob("*/plugin.yaml") if "\nrules:" in path.read_text()]
    assert sorted(set(with_rules) - set(CONFIGS)) == []
