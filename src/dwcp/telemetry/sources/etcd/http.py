"""A small HTTP/1.1 client over asyncio: kept-alive connections, one deadline for a whole exchange.

What went wrong is an answer, not an error: who sends requests on a schedule counts failures and goes on.
"""

import asyncio
import os
import ssl
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from dwcp.errors import ProtocolError
from dwcp.telemetry.sources.etcd.endpoint import Endpoint

__all__ = ["Answer", "HttpClient", "Outcome"]

_MOST_BYTES = 64 << 20
_MOST_IDLE = 64
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Outcome(StrEnum):
    """How an exchange ended."""

    OK = "ok"
    REFUSED = "refused"
    """No connection could be made, or it broke."""
    TIMEOUT = "timeout"
    ERROR = "error"
    """There was an answer, and it was not a good one."""


class Answer(NamedTuple):
    """What became of a request.

    Attributes:
        outcome: how it ended.
        status: HTTP status; 0 without an answer.
        body: whole, or empty.
        why: what went wrong, in a few words.
    """

    outcome: Outcome
    status: int = 0
    body: bytes = b""
    why: str = ""


class _DamagedError(ProtocolError):
    """The other end does not speak HTTP, or its answer is cut short."""


class HttpClient:
    """Requests to one endpoint.

    Args:
        endpoint: where.
        context: for TLS; needed where the endpoint is encrypted.
    """

    def __init__(self, endpoint: Endpoint, context: ssl.SSLContext | None = None) -> None:
        self.endpoint = endpoint
        self.headers: dict[str, str] = {}
        self._context = context if endpoint.encrypted else None
        self._idle: list[_Streams] = []

    async def get(self, path: str, deadline_s: float) -> Answer:
        """Ask for a path."""
        return await self._ask(self._request("GET", path, b""), deadline_s)

    async def post(self, path: str, body: bytes, deadline_s: float) -> Answer:
        """Send JSON to a path."""
        return await self._ask(self._request("POST", path, body), deadline_s)

    async def close(self) -> None:
        """Give up the connections that are kept."""
        for _, writer in self._idle:
            writer.transport.abort()
        self._idle.clear()
        await asyncio.sleep(0)

    def _request(self, method: str, path: str, body: bytes) -> bytes:
        own = MappingProxyType(self.headers)
        headers = {"Host": f"{self.endpoint.host}:{self.endpoint.port}", **own}
        if method == "POST":
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def _ask(self, request: bytes, deadline_s: float) -> Answer:
        try:
            async with asyncio.timeout(deadline_s):
                return await self._exchange(request)
        except TimeoutError:
            return Answer(Outcome.TIMEOUT, why=f"no answer within {deadline_s:g} s")
        except ssl.SSLError as error:
            return Answer(Outcome.REFUSED, why=f"TLS fails: {error.reason or error}")
        except OSError as error:
            return Answer(Outcome.REFUSED, why=_reason(error))
        except _DamagedError as error:
            return Answer(Outcome.REFUSED, why=str(error))

    async def _exchange(self, request: bytes) -> Answer:
        while self._idle:
            reader, writer = self._idle.pop()
            if reader.at_eof() or writer.is_closing():
                writer.transport.abort()
                continue
            return await self._over(reader, writer, request)
        made = await asyncio.open_connection(
            self.endpoint.host, self.endpoint.port, ssl=self._context, limit=1 << 18
        )
        return await self._over(*made, request)

    async def _over(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
    ) -> Answer:
        kept = False
        try:
            writer.write(request)
            await writer.drain()
            answer, kept = await _read_answer(reader)
        finally:
            if kept and len(self._idle) < _MOST_IDLE:
                self._idle.append((reader, writer))
            else:
                writer.transport.abort()
        return answer


def _reason(error: OSError) -> str:
    """In the system's words; asyncio has others for a connection that was refused."""
    number = error.errno or 0
    known = os.strerror(number) if number > 0 else error.strerror
    return (known or str(error)).lower()


async def _read_answer(reader: asyncio.StreamReader) -> tuple[Answer, bool]:
    """The answer, and whether the connection may be used again."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        status, headers = _parse_head(head)
        body, delimited = await _read_body(reader, headers)
    except asyncio.IncompleteReadError as error:
        raise _DamagedError("the connection ended before the answer did") from error
    except (asyncio.LimitOverrunError, ValueError) as error:
        raise _DamagedError("what answers does not speak HTTP") from error
    good = 200 <= status < 300
    why = "" if good else f"HTTP status {status}"
    keep = delimited and headers.get("connection", "").lower() != "close"
    return Answer(Outcome.OK if good else Outcome.ERROR, status, body, why), keep


def _parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    version, _, rest = first.partition(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError(version)
    pairs = (line.partition(":") for line in lines)
    return int(rest[:3]), {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> tuple[bytes, bool]:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _read_chunks(reader), True
    if "content-length" in headers:
        return await reader.readexactly(_bounded(int(headers["content-length"]))), True
    return await reader.read(_MOST_BYTES), False


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while True:
        size = int((await reader.readline()).split(b";", 1)[0], 16)
        if size == 0:
            while (await reader.readline()).strip():
                pass
            return bytes(body)
        body += await reader.readexactly(_bounded(size + len(body)) - len(body))
        await reader.readexactly(2)


def _bounded(length: int) -> int:
    if not 0 <= length <= _MOST_BYTES:
        raise ValueError(length)
    return length
