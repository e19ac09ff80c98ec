"""Start and stop the page's server on one project."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from framelabel.core.errors import UsageError
from framelabel.web.app import create_app
from framelabel.web.guard import Guard, Visitor, new_token
from framelabel.web.priority import switch_often
from framelabel.web.studio import Studio

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Invitation:
    """A person's way in."""

    visitor: Visitor
    url: str


def serve(
    project: Path,
    *,
    host: str,
    port: int,
    annotators: Sequence[str],
    share: bool,
    plugin: str = "",
    ready: Callable[[list[Invitation]], None],
) -> None:
    """Serve the page until interrupted; `ready` hears the addresses once it listens.

    Args:
        project: the project file.
        host: address to listen on; loopback unless the network is meant.
        port: 0 takes a free one.
        annotators: a name for every person; each gets a link of their own.
        share: also make a link for looking only.
        plugin: name or folder of the plugin whose zones and rules the page edits; "" takes the project's own.
        ready: called with one invitation per person.

    Raises:
        ProjectError, ProjectLockedError: the project cannot be opened.
        UsageError: the port is taken.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = prompt(socket.create_server((host, port), family=family))
    except OSError as error:
        raise UsageError(f"cannot listen on {host}:{port} ({error.strerror}); choose another --port") from None
    chosen = listener.getsockname()[1]
    visitors = {new_token(): Visitor(name) for name in annotators}
    if share:
        visitors[new_token()] = Visitor("guest", can_write=False)
    names = {host} if host not in LOOPBACK else set(LOOPBACK) | {"[::1]"}
    if host in ("0.0.0.0", "::"):  # noqa: S104 - the person asked for it
        names = {socket.gethostname(), socket.getfqdn(), *_own_addresses(), *LOOPBACK}
    hosts = frozenset(f"{name}:{chosen}" for name in names)
    studio = Studio(project, plugin)
    application = create_app(studio)
    app = Guard(application, visitors=visitors, hosts=hosts)
    shown = next(iter(_own_addresses()), host) if host in ("0.0.0.0", "::") else host  # noqa: S104 - as above
    invitations = [
        Invitation(visitor, f"http://{shown}:{chosen}/?token={token}") for token, visitor in visitors.items()
    ]
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=2, lifespan="off")

    def stop() -> None:
        application.state.live.close()
        studio.stop()

    switch_often()
    server = _Server(config, lambda: ready(invitations), stop)
    try:
        server.run(sockets=[listener])
    finally:
        studio.close()


class _Server(uvicorn.Server):
    """Says when it listens, and ends the event streams before it waits for open connections."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._stop = stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stop()
        await super().shutdown(sockets)


def prompt(listener: socket.socket) -> socket.socket:
    """Return a listening socket whose connections send at once (TCP_NODELAY).

    asyncio asks for that only where the socket names its protocol, and `socket.create_server` leaves it open: every
    answer, sent as head and body, would wait 40 ms for the browser's delayed acknowledgement of the head.
    """
    return socket.socket(listener.family, listener.type, socket.IPPROTO_TCP, fileno=listener.detach())


def _own_addresses() -> list[str]:
    """Return this machine's addresses on its networks."""
    try:
        return sorted({str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)})
    except OSError:
        return []
