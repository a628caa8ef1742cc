"""A request's body: read as a whole, never more of it than may be, never for longer than may be."""

import asyncio
import zlib

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from dwcp.serving.access import Limits

__all__ = ["BoundedBody", "declared_bytes"]

_ANY_FORMAT = 32 + zlib.MAX_WBITS
"""Both gzip (RFC 1952) and zlib (RFC 1950), told apart by their heads."""
_CLOSE = {"Connection": "close"}


class BoundedBody:
    """Stands in for a request's ``receive``; reads nothing until it is called.

    Args:
        receive: the request's own.
        headers: the request's, by name in small letters.
        limits: how much and how long.
    """

    def __init__(self, receive: Receive, headers: dict[bytes, bytes], limits: Limits) -> None:
        self._receive = receive
        self._encoding = headers.get(b"content-encoding", b"identity").strip().lower()
        self._limits = limits
        self._is_read = False

    async def __call__(self) -> Message:
        """The whole body in one message, then whatever else comes.

        Raises:
            HTTPException: it is too large, too slow, or not compressed as it says.
            ClientDisconnect: nobody waits for the answer any more.
        """
        if self._is_read:
            return await self._receive()
        self._is_read = True
        try:
            async with asyncio.timeout(self._limits.body_timeout_s):
                content = await self._all()
        except TimeoutError as error:
            sentence = f"the body did not arrive within {self._limits.body_timeout_s:g} s"
            raise HTTPException(408, sentence, _CLOSE) from error
        return {"type": "http.request", "body": self._plain(content), "more_body": False}

    async def _all(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            part = message.get("body", b"")
            size += len(part)
            if size > self._limits.max_body_bytes:
                raise _too_large(self._limits)
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)

    def _plain(self, content: bytes) -> bytes:
        if self._encoding == b"identity":
            return content
        if self._encoding not in (b"gzip", b"deflate"):
            raise HTTPException(415, "the body is compressed in a way not known here: send gzip or deflate")
        reader = zlib.decompressobj(_ANY_FORMAT)
        try:
            plain = reader.decompress(content, self._limits.max_body_bytes + 1)
        except zlib.error as error:
            raise HTTPException(400, "the body is not compressed as its Content-Encoding says") from error
        if len(plain) > self._limits.max_body_bytes:
            raise _too_large(self._limits)
        if not reader.eof or reader.unused_data:
            raise HTTPException(400, "the compressed body is cut off, or something follows it")
        return plain


def declared_bytes(headers: dict[bytes, bytes]) -> int | None:
    """The body's size as the headers declare it; None where they don't."""
    told = headers.get(b"content-length", b"")
    return int(told) if told.isdigit() else None


def _too_large(limits: Limits) -> HTTPException:
    return HTTPException(413, f"the body is larger than the {limits.max_body_bytes} bytes that are taken")
