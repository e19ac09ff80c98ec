"""A plugin in a zip lands in its own folder or not at all, and nothing of it runs on the way."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from framelabel import plugins
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


def test_a_bomb_is_refused(make_plugin: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a plugin may hold is refused before it is unpacked."""
    monkeypatch.setattr(installing, "MOST_BYTES", 1000)
    with pytest.raises(UsageError, match="more than a plugin may hold"):
        install(pack(make_plugin(), tmp_path / "demo.zip"))


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
