"""Who may speak to the page's server: token, cookie, Host, Origin, size and rate; and what answers may do."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "framelabel"
MAX_BODY = 1 << 20
_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who holds a token."""

    name: str
    can_write: bool = True


@dataclass(slots=True)
class _Bucket:
    """A token bucket: requests left, and when that was."""

    left: float
    at: float = field(default_factory=time.monotonic)

    def take(self, rate: float, burst: float) -> bool:
        now = time.monotonic()
        self.left = min(burst, self.left + (now - self.at) * rate)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


def new_token() -> str:
    """Return a secret that cannot be guessed."""
    return secrets.token_urlsafe(24)


class Guard:
    """ASGI middleware around the page's application.

    A token in the address becomes a cookie (HttpOnly, SameSite=Strict) and leaves the address at once. Without it
    nothing is answered. A Host that is not ours is refused (DNS rebinding), so is a write from another origin.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        visitors: Mapping[str, Visitor],
        hosts: frozenset[str],
        rate: float = 200.0,
        burst: float = 400.0,
    ) -> None:
        """Guard `app`.

        Args:
            app: the application.
            visitors: token -> who holds it.
            hosts: accepted Host headers, with port.
            rate: requests a second that one visitor may go on making.
            burst: requests that they may make at once.
        """
        self._app = app
        self._visitors = dict(visitors)
        self._hosts = hosts
        self._rate, self._burst = rate, burst
        self._buckets: dict[str, _Bucket] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request and pass it on, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host not in self._hosts:
            await self._refuse(
                400, f"this server answers to {', '.join(sorted(self._hosts))} only", scope, receive, send
            )
            return
        query = parse_qs(scope["query_string"].decode("latin-1"))
        given = query.get("token", [""])[0]
        token = self._known(given) or self._known(_cookie(headers))
        if not token:
            await self._refuse(401, "open the address that `framelabel review` printed", scope, receive, send)
            return
        if not self._buckets.setdefault(token, _Bucket(self._burst)).take(self._rate, self._burst):
            await self._refuse(429, "too many requests; wait a second", scope, receive, send)
            return
        if given:
            rest = urlencode({key: values[0] for key, values in query.items() if key != "token"})
            response = RedirectResponse(scope["path"] + (f"?{rest}" if rest else ""), 303)
            response.set_cookie(COOKIE, token, httponly=True, samesite="strict", path="/")
            await response(scope, receive, _with_headers(send))
            return
        problem = self._write_problem(scope["method"], headers, host, self._visitors[token])
        if problem:
            await self._refuse(403, problem, scope, receive, send)
            return
        scope["visitor"] = self._visitors[token]
        await self._app(scope, _limited(receive), _with_headers(send))

    def _known(self, given: str) -> str:
        """Return the visitor's token that equals `given`, compared in constant time; "" for none."""
        found = ""
        for token in self._visitors:
            if hmac.compare_digest(token, given):
                found = token
        return found

    @staticmethod
    def _write_problem(method: str, headers: Headers, host: str, visitor: Visitor) -> str:
        """Return why a write is refused; "" when it is not, or when it is none."""
        if method in ("GET", "HEAD"):
            return ""
        if not visitor.can_write:
            return "this link is for looking only"
        if headers.get("origin", "") not in (f"http://{host}", f"https://{host}"):
            return "writes come from the page itself only"
        if not headers.get("content-type", "").startswith("application/json"):
            return "writes are JSON"
        if int(headers.get("content-length") or 0) > MAX_BODY:
            return f"a request may hold {MAX_BODY} bytes"
        return ""

    @staticmethod
    async def _refuse(status: int, reason: str, scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(reason + "\n", status)(scope, receive, _with_headers(send))


def _cookie(headers: Headers) -> str:
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            extra = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
            message["headers"] = [*message.get("headers", []), *extra]
        await send(message)

    return sending


def _limited(receive: Receive) -> Receive:
    """Stop reading a body that is longer than it may be, whatever its header says."""
    seen = 0

    async def receiving() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY:
            return {"type": "http.disconnect"}
        return message

    return receiving
