"""Look at the first bytes of a connection without taking them from it."""

import asyncio
import socket
from collections.abc import Callable

_PEEK_BYTES = 20 * 1024


async def peek(sock: socket.socket, enough: Callable[[bytes], bool], seconds: float) -> bytes:
    """Return the bytes that wait on a non-blocking socket, once they are enough.

    Fewer come back when the peer stops sending or the time is over. The bytes stay in the socket.
    """
    seen = b""
    try:
        async with asyncio.timeout(seconds):
            while not enough(seen):
                # wakes for more than was seen, else bytes that stay would wake us for ever
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, len(seen) + 1)
                await _readable(sock)
                data = sock.recv(_PEEK_BYTES, socket.MSG_PEEK)
                if len(data) <= len(seen):
                    break
                seen = data
    except (TimeoutError, OSError):
        pass  # what was seen so far is the answer
    finally:
        if sock.fileno() != -1:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
    return seen


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(sock, _wake, ready)
    try:
        await ready
    finally:
        loop.remove_reader(sock)


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


async def refuse_with(sock: socket.socket, last_words: bytes, linger_seconds: float = 0.5) -> None:
    """Send a few bytes and close so that the peer can still read them.

    Closing with unread bytes in the socket would reset the connection and lose the answer.
    """
    loop = asyncio.get_running_loop()
    try:
        if last_words:
            await loop.sock_sendall(sock, last_words)
            sock.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(linger_seconds):
                while await loop.sock_recv(sock, 65536):
                    pass
    except (OSError, TimeoutError):
        pass  # the peer is gone or keeps talking: either way it has been told
    finally:
        sock.close()
