"""A save is answered at once: sockets do not wait for acknowledgements, threads that compute give way."""

import asyncio
import os
import socket
import sys
import threading

import pytest

from framelabel.web.priority import give_way
from framelabel.web.server import prompt


def test_connections_send_at_once() -> None:
    """Asyncio turns Nagle's delay off for what the page listens on."""

    async def delays(listener: socket.socket) -> int:
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            answer.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        server = await asyncio.start_server(connected, sock=listener)
        async with server:
            _, writer = await asyncio.open_connection(*listener.getsockname())
            found = await answer
            writer.close()
            return found

    assert asyncio.run(delays(prompt(socket.create_server(("127.0.0.1", 0))))) != 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux knows priorities of single threads")
def test_a_thread_that_computes_gives_way() -> None:
    """Only the thread that asks becomes patient; whoever answers people stays as it was."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    found: list[int] = []

    def work() -> None:
        give_way()
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found[0] > before
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
