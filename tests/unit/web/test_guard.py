"""Who may speak to the page's server."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from framelabel.web.guard import COOKIE, MAX_BODY, Guard, Visitor

HOST = "127.0.0.1:8000"
ADA, GUEST = "a" * 32, "g" * 32
JSON = {"content-type": "application/json", "origin": f"http://{HOST}"}


async def echo(request: Request) -> JSONResponse:
    """Answer with who asked and how much they sent."""
    body = await request.body()
    return JSONResponse({"name": request.scope["visitor"].name, "bytes": len(body)})


def client(cookie: str = ADA, burst: float = 400.0) -> TestClient:
    """Return a client that holds a cookie."""
    app = Starlette(routes=[Route("/", echo, methods=["GET", "POST"])])
    visitors = {ADA: Visitor("ada"), GUEST: Visitor("guest", can_write=False)}
    guarded = Guard(app, visitors=visitors, hosts=frozenset({HOST}), rate=1.0, burst=burst)
    return TestClient(guarded, base_url=f"http://{HOST}", cookies={COOKIE: cookie} if cookie else {})


def test_the_token_becomes_a_cookie_and_leaves_the_address() -> None:
    """The secret in the address is exchanged at once for a cookie that scripts and other sites cannot use."""
    answer = client("").get(f"/?token={ADA}&x=1", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?x=1")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


REFUSED = [
    pytest.param("GET", "", {}, 401, id="no-cookie"),
    pytest.param("GET", "wrong", {}, 401, id="wrong-cookie"),
    pytest.param("GET", ADA, {"host": "evil.example:8000"}, 400, id="dns-rebinding"),
    pytest.param("POST", ADA, {"content-type": "application/json"}, 403, id="no-origin"),
    pytest.param("POST", ADA, {**JSON, "origin": "http://evil.example"}, 403, id="cross-site"),
    pytest.param("POST", ADA, {**JSON, "origin": "null"}, 403, id="sandboxed-frame"),
    pytest.param("POST", ADA, {**JSON, "content-type": "text/plain"}, 403, id="form"),
    pytest.param("POST", GUEST, JSON, 403, id="read-only-link"),
    pytest.param("POST", ADA, {**JSON, "content-length": str(MAX_BODY + 1)}, 403, id="too-large"),
]


@pytest.mark.parametrize(("method", "cookie", "headers", "status"), REFUSED)
def test_refused(method: str, cookie: str, headers: dict[str, str], status: int) -> None:
    """Everything but the page itself, by its own person, is refused with a reason."""
    answer = client(cookie).request(method, "/", headers=headers, content=b"{}" if method == "POST" else None)
    assert answer.status_code == status
    assert answer.text.strip()


def test_accepted() -> None:
    """The page's own requests pass, and every answer forbids foreign content."""
    assert client().get("/").json() == {"name": "ada", "bytes": 0}
    answer = client().post("/", headers=JSON, content=b"{}")
    assert answer.json() == {"name": "ada", "bytes": 2}
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy


def test_a_flood_is_slowed() -> None:
    """More requests than any page needs are refused for a while."""
    flood = client(burst=5)
    codes = [flood.get("/").status_code for _ in range(8)]
    assert codes[:5] == [200] * 5
    assert 429 in codes
