"""A member of etcd that is none: answers with texts recorded from etcd 3.4.23, or as a test tells it to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

METRICS = Path(__file__).with_name("etcd_metrics.txt")


@pytest.fixture
def metrics() -> str:
    return METRICS.read_text()


class FakeMember:
    """Answers every request with what `answer` gives for its path; None keeps the client waiting."""

    def __init__(self, answer: Callable[[str], bytes | None]) -> None:
        self.answer = answer
        self.connections = 0
        self.requests: list[bytes] = []
        self.address = ""
        self.tasks: set[asyncio.Task] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.tasks.add(asyncio.current_task())
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
                self.requests.append(head + await reader.readexactly(int(length or 0)))
                told = self.answer(head.split()[1].decode())
                if told is None:
                    await asyncio.Event().wait()
                elif told:
                    writer.write(told)
                    await writer.drain()
                else:
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()


class Fakes:
    """Makes such members, and what they answer."""

    @staticmethod
    @asynccontextmanager
    async def member(answer: Callable[[str], bytes | None]) -> AsyncIterator[FakeMember]:
        member = FakeMember(answer)
        server = await asyncio.start_server(member.serve, "127.0.0.1", 0)
        member.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield member
        finally:
            server.close()
            for task in member.tasks:
                task.cancel()
            await asyncio.gather(*member.tasks, return_exceptions=True)
            await asyncio.sleep(0)

    @staticmethod
    def plain(body: bytes, status: str = "200 OK") -> bytes:
        return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body

    @staticmethod
    def chunked(body: bytes, size: int = 1000) -> bytes:
        parts = [body[start : start + size] for start in range(0, len(body), size)]
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


@pytest.fixture
def fakes() -> Fakes:
    return Fakes()
