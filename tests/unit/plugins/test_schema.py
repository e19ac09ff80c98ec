"""A wrong plugin.yaml is refused in one line: file, line, what is wrong, and the nearest right thing."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from framelabel import plugins
from framelabel.core.errors import InvalidManifestError
from framelabel.plugins.schema import check, known_keys
from framelabel.plugins.yaml_lines import parse

Make = Callable[..., Path]
KEYS = {*known_keys(()), *known_keys(("model",)), *known_keys(("classes", 0)), *known_keys(("zones", 0))}
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [" + ", ".join([f"*{before}"] * 9) + "]\n" for before, after in pairwise("abcdefgh")
)
MANIFEST = "{schema_version: 1, name: demo, classes: [{name: cat}], model: {file: m.onnx, decoder: yolox}}"


def test_a_right_one_loads(make_plugin: Make) -> None:
    """Classes, attributes, thresholds, zones and rules arrive as written; nothing of the folder is run."""
    manifest = plugins.load(make_plugin())
    assert manifest.ontology().names == ("cat", "dog")
    assert manifest.ontology().classes[1].attributes[0].values == ("small", "large")
    assert manifest.zones[0].polygon == ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9))
    assert manifest.model.class_thresholds == {"dog": 0.28}


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        pytest.param("title:", "titel:", 3, "unknown key 'titel'. Did you mean 'title'?", id="top-level"),
        pytest.param('colour: "', 'color: "', 5, "unknown key 'color'", id="class"),
        pytest.param("default:", "defualt:", 8, "Did you mean 'default'?", id="attribute"),
        pytest.param(
            "decoder: y", "dekoder: y", 13, "unknown key 'dekoder' in model. Did you mean 'decoder'?", id="model"
        ),
        pytest.param("colour: rgb", "scael: 1", 12, "Did you mean 'scale'?", id="input"),
        pytest.param("polygon:", "polygone:", 18, "Did you mean 'polygon'?", id="zone"),
        pytest.param("for_s:", "for_sec:", 20, "unknown key 'for_sec'", id="rule"),
        pytest.param("accept_at", "acept_at", 21, "Did you mean 'accept_at'?", id="review"),
        pytest.param("options: {}", "options: {hihg_score: 1}", 16, "unknown key 'hihg_score'", id="tracker-option"),
        pytest.param("accept_at: 0.9", "consensus: majorty", 21, "Did you mean 'majority'?", id="consensus"),
        pytest.param("bytetrack", "bytetrak", 16, "Did you mean 'bytetrack'?", id="tracker"),
        pytest.param(
            "yolov8\n", "yolov8\n  decoder_options: {transpose: true}\n", 14, "'transposed'", id="decoder-option"
        ),
        pytest.param("yolov8\n", "yolo8\n", 13, "unknown decoder 'yolo8'", id="decoder"),
        pytest.param(
            "{dog: 0.28}", "{dgo: 0.28}", 15, "unknown class 'dgo'. Did you mean 'dog'?", id="threshold-class"
        ),
        pytest.param("subject: cat", "subject: cst", 20, "Did you mean 'cat'?", id="rule-class"),
        pytest.param("inside: door", "inside: dor", 20, "Did you mean 'door'?", id="rule-zone"),
        pytest.param("default: small", "default: tiny", 8, "default 'tiny' of attribute 'size'", id="default"),
        pytest.param("[0.1, 0.1]", "[10, 0.1]", 18, "less than or equal to 1", id="zone-in-pixels"),
        pytest.param(", [0.9, 0.9]]", "]", 18, "a polygon needs 3 points", id="flat-zone"),
        pytest.param("name: dog", "name: cat", 6, "class 'cat' is named twice", id="class-twice"),
        pytest.param("title: A demo", "name: other", 3, "key 'name' is written twice", id="key-twice"),
        pytest.param("0.25", "'0.25'", 14, "should be a valid number", id="text-for-number"),
        pytest.param("models/m.onnx", "../m.onnx", 10, "must lie below the plugin's folder", id="file-outside"),
        pytest.param(
            "review:",
            "samples: [{media: a.png, expected: ../a.json}]\nreview:",
            21,
            "must lie below the plugin's folder",
            id="expected-outside",
        ),
        pytest.param("  file: models/m.onnx\n", "", 9, "give either file or of_plugin", id="no-model"),
        pytest.param("schema_version: 1", "schema_version: 2", 1, "schema_version", id="version"),
        pytest.param("name: demo", "name: Demo!", 2, "name", id="name"),
        pytest.param(
            "  licence: Apache-2.0", "  url: https://example.org/m.onnx", 9, "url needs a digest", id="unchecked-url"
        ),
        pytest.param("{size: [32, 32], colour: rgb}", "{mean: [1, 2]}", 12, "mean needs 3 values", id="mean"),
        pytest.param("zones:\n", "zones: [\n", 18, "not valid YAML", id="yaml"),
    ],
)
def test_one_thing_wrong(make_plugin: Make, old: str, new: str, line: int, message: str) -> None:
    """File and line are right, and the message says what to do."""
    folder = make_plugin((old, new))
    with pytest.raises(InvalidManifestError) as caught:
        plugins.load(folder)
    text = str(caught.value)
    assert text.startswith(f"{folder / 'plugin.yaml'}:{line}: ")
    assert message in text
    assert "\n" not in text


def test_a_moving_url_is_refused(make_plugin: Make) -> None:
    """A branch name in a raw GitHub address would make the digest fail on the day that somebody pushes."""
    address = "https://raw.githubusercontent.com/someone/models/main/m.onnx"
    digest = "sha256:" + "0" * 64
    folder = make_plugin(("  licence: Apache-2.0", f"  url: {address}\n  digest: {digest}"))
    with pytest.raises(InvalidManifestError, match="must name a commit"):
        plugins.load(folder)


def test_model_index_for_all_or_none(make_plugin: Make) -> None:
    """A class without a number among numbered ones would silently mean another class of the model."""
    folder = make_plugin(('{name: cat, colour: "#aabbcc"}', "{name: cat, model_index: 3}"))
    with pytest.raises(InvalidManifestError, match="class 'dog' has no model_index"):
        plugins.load(folder)


def test_known_keys_at_every_level() -> None:
    """The nearest key is looked for among the keys of its own level."""
    assert "classes" in known_keys(())
    assert "model_index" in known_keys(("classes", 0))
    assert "values" in known_keys(("classes", 0, "attributes", "size"))
    assert "overlap" in known_keys(("model", "tiles"))
    assert known_keys(("model", "class_thresholds")) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("&a [*a]", "too many or too deeply nested", id="contains-itself"),
        pytest.param(LAUGHS, "too many or too deeply nested", id="billion-laughs"),
        pytest.param("{[1, 2]: x}", "is not a word", id="list-as-key"),
        pytest.param("1: x", "key 1 is not a word", id="number-as-key"),
        pytest.param("- a\n- b", "a manifest is a mapping", id="list"),
        pytest.param("", "a manifest is a mapping", id="empty"),
        pytest.param("a: 'x", "not valid YAML", id="open-quote"),
        pytest.param("a: \x00", "not valid YAML", id="zero-byte"),
        pytest.param("x" * 1_000_001, "more than a manifest may have", id="huge"),
    ],
)
def test_hostile_yaml_is_one_line(text: str, message: str) -> None:
    """A manifest from somebody else can neither hang nor crash the check."""
    with pytest.raises(InvalidManifestError, match=message):
        check(parse(text, "theirs.yaml"))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(KEYS)), inner, max_size=4),
        max_leaves=12,
    )
)
@settings(max_examples=150, deadline=None)
def test_any_values_under_known_keys_are_accepted_or_explained(values: object) -> None:
    """Whatever stands under the right keys: a manifest or an InvalidManifestError with file and line, nothing else."""
    base = yaml.safe_load(MANIFEST)
    if isinstance(values, dict):
        base |= values
    try:
        check(parse(yaml.safe_dump(base), "any.yaml"))
    except InvalidManifestError as error:
        assert re.match(r"any\.yaml:\d+: ", str(error))  # noqa: PT017 - success is also right here


def test_yaml_tags_build_nothing(make_plugin: Make) -> None:
    """A YAML tag that would construct a Python object is an error, not an execution."""
    folder = make_plugin(("title: A demo", "title: !!python/object/apply:os.system ['true']"))
    with pytest.raises(InvalidManifestError, match=r"plugin\.yaml:3: not valid YAML"):
        plugins.load(folder)
