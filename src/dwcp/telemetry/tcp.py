"""What the kernel knows of a TCP stream: Linux's ``TCP_INFO``, read by offsets.

Light enough for a transfer to import: no Polars, no pyarrow, no ctypes. Source of the offsets: ``struct
tcp_info`` in ``include/uapi/linux/tcp.h``. The structure has only ever grown at its end, so an older kernel
returns a shorter one, whose missing fields are None.
"""

import errno
import socket
import sys
from functools import lru_cache
from struct import Struct, calcsize
from typing import NamedTuple

from dwcp.errors import ConnectionLostError, InputError

__all__ = ["TcpInfo", "parse_tcp_info", "read_tcp_info"]

_ROOM_BYTES = 256
_UNKNOWN_U32 = 0xFFFF_FFFF
_UNKNOWN_U64 = 0xFFFF_FFFF_FFFF_FFFF
_APP_LIMITED = 1 if sys.byteorder == "little" else 0x80
"""The first bit of a byte of bit fields, which the C ABI counts from the end that comes first in memory."""

_FIELDS = (
    *((7, "B"), (16, "I"), (24, "I"), (68, "I"), (72, "I"), (76, "I"), (80, "I"), (100, "I")),
    *((104, "Q"), (120, "Q"), (136, "I"), (144, "I"), (148, "I"), (156, "I"), (160, "Q")),
    *((168, "Q"), (176, "Q"), (184, "Q"), (200, "Q"), (208, "Q")),
)
"""Offset and type of each field of `TcpInfo`, in its order."""


class TcpInfo(NamedTuple):
    """One reading. Counters run from the stream's start; None is what this kernel does not tell.

    Attributes:
        app_limited: `delivery_bytes_s` was measured while the application had too little to send.
        segment_bytes: plain bytes of a full segment (``snd_mss``).
        unacked_segments: sent and not yet acknowledged.
        rtt_us: smoothed round-trip time.
        rttvar_us: its mean deviation.
        ssthresh_segments: where slow start ends; 2**31 - 1 while it has not ended by a loss or by delay.
        cwnd_segments: the congestion window.
        retransmits: segments sent again.
        pacing_bytes_s: rate the stream paces itself to; None also where it does not.
        bytes_acked: payload that arrived, in order.
        segments_out: segments sent, with and without data.
        notsent_bytes: in the socket's buffer, not yet sent.
        min_rtt_us: smallest round trip seen; None also before the first.
        data_segments_out: segments sent that hold data.
        delivery_bytes_s: the last rate of delivery measured; None also before the first.
        busy_us: time in which there was data to send or to be acknowledged.
        receiver_limited_us: part of it in which the receiver's window was full.
        buffer_limited_us: part of it in which the send buffer was too small.
        bytes_sent: payload sent, with what was sent again.
        bytes_resent: payload sent again.
    """

    app_limited: bool
    segment_bytes: int
    unacked_segments: int
    rtt_us: int
    rttvar_us: int
    ssthresh_segments: int
    cwnd_segments: int
    retransmits: int
    pacing_bytes_s: int | None
    bytes_acked: int | None
    segments_out: int | None
    notsent_bytes: int | None
    min_rtt_us: int | None
    data_segments_out: int | None
    delivery_bytes_s: int | None
    busy_us: int | None
    receiver_limited_us: int | None
    buffer_limited_us: int | None
    bytes_sent: int | None
    bytes_resent: int | None

    def since(self, before: "TcpInfo | None") -> "TcpInfo":
        """With the counters of the interval since an earlier reading; what is no counter stays as it is.

        Args:
            before: the earlier reading. None, or one that had counted further, is of another stream: this
                one is then taken to have begun within the interval.
        """
        if before is None or (self.bytes_acked or 0) < (before.bytes_acked or 0):
            return self
        return self._replace(
            retransmits=self.retransmits - before.retransmits,
            bytes_acked=_less(self.bytes_acked, before.bytes_acked),
            busy_us=_less(self.busy_us, before.busy_us),
            receiver_limited_us=_less(self.receiver_limited_us, before.receiver_limited_us),
            buffer_limited_us=_less(self.buffer_limited_us, before.buffer_limited_us),
            segments_out=_less(self.segments_out, before.segments_out),
            data_segments_out=_less(self.data_segments_out, before.data_segments_out),
            bytes_sent=_less(self.bytes_sent, before.bytes_sent),
            bytes_resent=_less(self.bytes_resent, before.bytes_resent),
        )


def read_tcp_info(sock: socket.socket | int) -> TcpInfo:
    """Ask the kernel about a stream; one system call.

    Args:
        sock: a TCP socket (also one wrapped in TLS), or its file descriptor.

    Raises:
        ConnectionLostError: the socket is closed.
        InputError: it is not a TCP socket, or this system has no ``TCP_INFO``.
    """
    try:
        if not isinstance(sock, int):
            return parse_tcp_info(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ROOM_BYTES))
        borrowed = socket.socket(fileno=sock)
        try:
            return parse_tcp_info(borrowed.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ROOM_BYTES))
        finally:
            borrowed.detach()
    except OSError as error:
        if error.errno in (errno.EBADF, errno.ENOTSOCK):
            raise ConnectionLostError("the stream is closed: there is no TCP_INFO of it any more") from error
        raise InputError(f"no TCP_INFO can be had of this socket: {error.strerror}") from error


def _less(after: int | None, before: int | None) -> int | None:
    return None if after is None or before is None else after - before


def parse_tcp_info(found: bytes) -> TcpInfo:
    """What a ``struct tcp_info`` says; a shorter one is of an older kernel, and lacks fields."""
    layout, missing = _layout(len(found))
    flags, *values = layout.unpack_from(found)
    info = TcpInfo(bool(flags & _APP_LIMITED), *values, *missing)
    if info.min_rtt_us == _UNKNOWN_U32:
        info = info._replace(min_rtt_us=None)
    if info.pacing_bytes_s == _UNKNOWN_U64:
        info = info._replace(pacing_bytes_s=None)
    return info if info.delivery_bytes_s else info._replace(delivery_bytes_s=None)


@lru_cache(maxsize=8)
def _layout(found_bytes: int) -> tuple[Struct, list[None]]:
    """How to unpack as many fields as lie within a structure of this length, and Nones for the rest."""
    text, end = "=", 0
    told = [(offset, kind) for offset, kind in _FIELDS if offset + calcsize(kind) <= found_bytes]
    for offset, kind in told:
        text += f"{offset - end}x{kind}"
        end = offset + calcsize(kind)
    return Struct(text), [None] * (len(_FIELDS) - len(told))
