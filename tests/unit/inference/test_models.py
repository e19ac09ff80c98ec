"""A model file is found by content, fetched only when it is nowhere, and never used when it is not the promised one."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from framelabel.core.errors import DigestMismatchError, MissingModelError
from framelabel.inference.models import ModelSource, find_model

CONTENT = bytes(range(256)) * 4000
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every folder that is searched inside the test's own."""
    monkeypatch.setenv("FRAMELABEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FRAMELABEL_MODELS", str(tmp_path / "library"))
    monkeypatch.delenv("FRAMELABEL_OFFLINE", raising=False)
    for name in ("plugin", "library"):
        (tmp_path / name).mkdir()
    return tmp_path


class _Server(ThreadingHTTPServer):
    """Serves CONTENT at any path, with ranges; keeps what was asked."""

    content = CONTENT
    asked: list[str]


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer whole or from the offset asked for."""
        server = self.server
        assert isinstance(server, _Server)
        wanted = self.headers.get("Range", "")
        server.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if start >= len(server.content):
            self.send_error(416)
            return
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(server.content) - start))
        self.end_headers()
        self.wfile.write(server.content[start:])

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def server() -> Iterator[_Server]:
    """Return a running server on this machine."""
    running = _Server(("127.0.0.1", 0), _Handler)
    running.asked = []
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


def url(server: _Server) -> str:
    """Return an address that the server answers."""
    return f"http://127.0.0.1:{server.server_port}/model.onnx"


def test_beside_the_plugin(places: Path) -> None:
    """The plugin's own file comes first."""
    path = places / "plugin" / "m.onnx"
    path.write_bytes(CONTENT)
    assert find_model(ModelSource("m.onnx", DIGEST), places / "plugin") == path


def test_a_wrong_file_beside_the_plugin_is_refused(places: Path) -> None:
    """Another file under the right name would label with another model."""
    (places / "plugin" / "m.onnx").write_bytes(b"other")
    with pytest.raises(DigestMismatchError, match=r"m\.onnx: the file has digest sha256:.* promises"):
        find_model(ModelSource("m.onnx", DIGEST), places / "plugin")


def test_any_name_anywhere_below_framelabel_models(places: Path) -> None:
    """The digest decides, not the name; a file of the right name and wrong content is passed over."""
    right = places / "library" / "deep" / "folder" / "renamed.onnx"
    right.parent.mkdir(parents=True)
    right.write_bytes(CONTENT)
    (places / "library" / "m.onnx").write_bytes(b"other")
    assert find_model(ModelSource("m.onnx", DIGEST), places / "plugin") == right


def test_a_changed_file_is_noticed(places: Path) -> None:
    """Digests are remembered by size and time of change; a file that changed is read again."""
    path = places / "library" / "m.onnx"
    path.write_bytes(CONTENT)
    source = ModelSource("m.onnx", DIGEST)
    assert find_model(source, None) == path
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(MissingModelError):
        find_model(source, None)


def test_nowhere_says_which_file_to_put_where(places: Path) -> None:
    """Offline is normal: one line with name, digest, place and source."""
    source = ModelSource("models/m.onnx", DIGEST, source="the authors' page")
    with pytest.raises(MissingModelError) as caught:
        find_model(source, places / "plugin")
    line = str(caught.value)
    assert "\n" not in line
    for part in ("m.onnx", DIGEST, str(places / "plugin"), "$FRAMELABEL_MODELS", "the authors' page"):
        assert part in line


def test_fetched_once_then_kept(places: Path, server: _Server) -> None:
    """The second run needs no network."""
    source = ModelSource("m.onnx", DIGEST, url(server))
    first = find_model(source, places / "plugin")
    assert first.read_bytes() == CONTENT
    assert find_model(source, places / "plugin") == first
    assert server.asked == [""]


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_an_interrupted_download_goes_on_where_it_stopped(places: Path, server: _Server, share: float) -> None:
    """Only the missing part is asked for, also when nothing is missing but the last rename."""
    done = int(len(CONTENT) * share)
    partial = places / "cache" / "models" / f"{DIGEST.removeprefix('sha256:')}.onnx.part"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(CONTENT[:done])
    assert find_model(ModelSource("m.onnx", DIGEST, url(server)), None).read_bytes() == CONTENT
    assert server.asked == [f"bytes={done}-" if done else ""]
    assert not partial.exists()


def test_what_arrives_is_checked(places: Path, server: _Server) -> None:
    """A file that is not the promised one is deleted, so that the next try starts afresh."""
    server.content = b"something else"
    with pytest.raises(DigestMismatchError, match="it was deleted"):
        find_model(ModelSource("m.onnx", DIGEST, url(server)), None)
    assert list((places / "cache" / "models").iterdir()) == []


def test_offline_asks_nobody(places: Path, server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """FRAMELABEL_OFFLINE=1 never touches the network."""
    monkeypatch.setenv("FRAMELABEL_OFFLINE", "1")
    with pytest.raises(MissingModelError, match="FRAMELABEL_OFFLINE is set"):
        find_model(ModelSource("m.onnx", DIGEST, url(server)), None)
    assert server.asked == []


def test_plain_http_is_refused(places: Path) -> None:
    """Only https leaves this machine."""
    with pytest.raises(MissingModelError, match="only https"):
        find_model(ModelSource("m.onnx", DIGEST, "http://example.org/m.onnx"), None)
