"""A plugin in a zip or folder lands in its own folder or not at all, and nothing of it runs on the way."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from framelabel import plugins
from framelabel.cli.plugins_install import command
from framelabel.core.errors import FramelabelError, UsageError
from framelabel.plugins import install as installing
from framelabel.plugins.install import inspect, install

Make = Callable[..., Path]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of installed plugins of this test."""
    monkeypatch.setenv("FRAMELABEL_PLUGINS", str(tmp_path / "home"))
    return tmp_path / "home"


def pack(folder: Path, target: Path, top: str = "demo/") -> Path:
    """Zip a plugin folder."""
    with zipfile.ZipFile(target, "w") as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                packed.write(path, top + path.relative_to(folder).as_posix())
    return target


@pytest.mark.parametrize("top", ["demo/", ""])
def test_installed_and_named(make_plugin: Make, tmp_path: Path, home: Path, top: str) -> None:
    """With or without a folder around it, a zip becomes a plugin that can be named and built."""
    archive = pack(make_plugin(), tmp_path / "demo.zip", top)
    assert install(archive) == home / "demo"
    assert plugins.build(plugins.load("demo"), device="cpu").ontology.names == ("cat", "dog")
    with pytest.raises(UsageError, match="already installed"):
        install(archive)
    assert install(archive, replace=True) == home / "demo"
    assert [path.name for path in home.iterdir()] == ["demo"]


def test_a_folder_is_installed_as_a_zip_is(make_plugin: Make, home: Path) -> None:
    """The copy is what is named and built from then on, and the folder given stays as it was."""
    folder = make_plugin()
    before = {path.relative_to(folder): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    assert install(folder) == home / "demo"
    assert plugins.build(plugins.load("demo"), device="cpu").ontology.names == ("cat", "dog")
    for root in (folder, home / "demo"):
        assert {path.relative_to(root): path.stat().st_size for path in root.rglob("*") if path.is_file()} == before
    with pytest.raises(UsageError, match="already installed"):
        install(folder)
    assert install(home / "demo", replace=True) == home / "demo"
    assert [path.name for path in home.iterdir()] == ["demo"]


@pytest.mark.parametrize("target", ["/etc", "/etc/passwd", "models/m.onnx"])
def test_links_in_a_folder_are_refused(make_plugin: Make, home: Path, target: str) -> None:
    """What a link in a folder points to, a file or a folder, is not copied."""
    folder = make_plugin()
    (folder / "models" / "link").symlink_to(target)
    with pytest.raises(UsageError, match="link or device; nothing was copied"):
        install(folder)
    assert list(home.iterdir()) == []


def test_a_folder_that_is_no_plugin(tmp_path: Path, home: Path) -> None:
    """A folder without plugin.yaml is not searched through, and nothing of it is copied."""
    (tmp_path / "other").mkdir()
    with pytest.raises(FramelabelError, match=r"no plugin\.yaml in this folder"):
        install(tmp_path / "other")
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("form", ["zip", "folder"])
def test_what_it_asks_for_is_listed_before_anything_is_kept(
    make_plugin: Make, tmp_path: Path, home: Path, form: str
) -> None:
    """Nobody at the terminal: code, network and a hidden bundled plugin are listed, and nothing is installed."""
    folder = make_plugin(("name: demo", "name: ppe"), ("review:", "hook: hook.py:fix\nreview:"))
    (folder / "hook.py").write_text("raise SystemExit('ran')")
    source = folder if form == "folder" else pack(folder, tmp_path / "demo.zip")
    asked = CliRunner().invoke(command, [str(source)])
    assert asked.exit_code != 0
    assert "hook     runs hook.py:fix on every frame" in asked.output
    assert "network  none" in asked.output
    assert "the bundled plugin 'ppe' is hidden by this one" in asked.output
    assert not home.exists()
    agreed = CliRunner().invoke(command, [str(source), "--yes"])
    lines = agreed.output.splitlines()
    assert (agreed.exit_code, lines[-1]) == (0, f"installed: {home / 'ppe'}")
    assert plugins.known_plugins()["ppe"] == home / "ppe"


def test_permissions_are_known_before_and_no_code_runs(make_plugin: Make, tmp_path: Path, home: Path) -> None:
    """The hook is listed; a hook that would leave a mark leaves none at inspection or installation."""
    mark = tmp_path / "ran"
    folder = make_plugin(("review:", "hook: hook.py:fix\nreview:"))
    (folder / "hook.py").write_text(f"open({str(mark)!r}, 'w')\ndef fix(boxes, ref):\n    return boxes\n")
    archive = pack(folder, tmp_path / "demo.zip")
    asked = inspect(archive)
    assert (asked.hook, asked.classes, asked.licence, asked.files) == ("hook.py:fix", ("cat", "dog"), "Apache-2.0", 3)
    assert not home.exists()
    install(archive)
    assert not mark.exists()


@pytest.mark.parametrize(
    "entry",
    ["../evil.txt", "demo/../../evil.txt", "/tmp/evil.txt", "C:/evil.txt", "demo\\..\\evil.txt"],  # noqa: S108
)
def test_entries_that_lead_outside(make_plugin: Make, tmp_path: Path, home: Path, entry: str) -> None:
    """Path traversal in any spelling: nothing is unpacked."""
    archive = pack(make_plugin(), tmp_path / "demo.zip")
    with zipfile.ZipFile(archive, "a") as packed:
        packed.writestr(entry, "evil")
    with pytest.raises(UsageError, match="leads outside the plugin's folder; nothing was unpacked"):
        install(archive)
    assert not (home / "demo").exists()
    assert not list(tmp_path.rglob("evil*"))


def test_links_are_refused(make_plugin: Make, tmp_path: Path) -> None:
    """A symbolic link in a zip could point anywhere."""
    archive = pack(make_plugin(), tmp_path / "demo.zip")
    link = zipfile.ZipInfo("demo/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "a") as packed:
        packed.writestr(link, "/etc/passwd")
    with pytest.raises(UsageError, match="is a link or device"):
        install(archive)


@pytest.mark.parametrize(("limit", "most"), [("MOST_BYTES", 1000), ("MOST_FILES", 1)])
def test_a_bomb_is_refused(
    make_plugin: Make, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    """More than a plugin may hold is refused before it is unpacked or copied."""
    monkeypatch.setattr(installing, limit, most)
    folder = make_plugin()
    for source in (folder, pack(folder, tmp_path / "demo.zip")):
        with pytest.raises(UsageError, match="more than a plugin may hold"):
            install(source)
    assert list(home.iterdir()) == []


def changed(archive: Path, *, at_entry: int, at_header: int, value: int) -> None:
    """Set a byte in the last entry of the directory of a zip and in the header before its data."""
    packed = bytearray(archive.read_bytes())
    packed[packed.rfind(b"PK\x01\x02") + at_entry] = value
    packed[packed.rfind(b"PK\x03\x04") + at_header] = value
    archive.write_bytes(packed)


ODD_ENTRIES = [
    pytest.param("demo/odd.txt", (8, 6, 1), "it needs a password", id="encrypted"),
    pytest.param("demo/odd.txt", (10, 8, 97), "compression method", id="unknown-compression"),
    pytest.param("demo/plugin.yaml/odd.txt", None, "Not a directory", id="a-file-as-a-folder"),
]


@pytest.mark.parametrize(("name", "change", "message"), ODD_ENTRIES)
def test_what_cannot_be_unpacked_is_one_line(
    make_plugin: Make, tmp_path: Path, home: Path, name: str, change: tuple[int, int, int] | None, message: str
) -> None:
    """Passwords, compressions that zipfile lacks and contradicting names: one line, and nothing is left behind."""
    archive = pack(make_plugin(), tmp_path / "demo.zip")
    with zipfile.ZipFile(archive, "a") as packed:
        packed.writestr(name, "odd")
    if change:
        changed(archive, at_entry=change[0], at_header=change[1], value=change[2])
    with pytest.raises(UsageError, match=f"entry '{name}' cannot be unpacked: .*{message}") as caught:
        install(archive)
    assert "\n" not in str(caught.value)
    assert list(home.iterdir()) == []


def test_broken_zips(make_plugin: Make, tmp_path: Path, home: Path) -> None:
    """No zip, no manifest, a wrong manifest: one line, and nothing is left behind."""
    text = tmp_path / "text.zip"
    text.write_text("no zip")
    empty = tmp_path / "empty.zip"
    with zipfile.ZipFile(empty, "w") as packed:
        packed.writestr("readme.txt", "hello")
    wrong = pack(make_plugin(("title:", "titel:")), tmp_path / "wrong.zip")
    for archive, message in (
        (text, "not a zip file"),
        (empty, "needs one plugin.yaml"),
        (wrong, "unknown key 'titel'"),
    ):
        with pytest.raises(FramelabelError, match=message):
            install(archive)
    assert list(home.iterdir()) == []
