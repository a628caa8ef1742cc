"""What bounds the two ends."""

from msgspec import Struct

__all__ = ["PATIENCE", "ReceiverLimits", "SenderLimits"]

PATIENCE = 10.0
"""A connection on which nothing moves is left alone so many times longer than the other side may be silent: a
receiver that reads a large old version takes nothing in for a while, but says all the time that it lives."""


class SenderLimits(Struct, frozen=True):
    """What bounds a session of the sender.

    Attributes:
        cpu_workers: threads that encode.
        timeout_s: how long nothing may be heard of the receiver.
        streams: a fixed number of streams; None for as many as help.
        congestion: the kernel's congestion control to use; None for its default.
    """

    cpu_workers: int
    timeout_s: float = 60.0
    streams: int | None = None
    congestion: str | None = None


class ReceiverLimits(Struct, frozen=True):
    """What bounds a receiver.

    Attributes:
        credit_bytes: stored bytes on the way that were not acknowledged.
        max_streams: of one session.
        buffers: bundles that are decoded and written at once.
        max_connections: at once; more are closed unheard.
        handshake_s: how long a stranger may take to say who it is.
        timeout_s: how long nothing may be heard of the sender.
    """

    credit_bytes: int = 64 * 1024 * 1024
    max_streams: int = 64
    buffers: int = 4
    max_connections: int = 256
    handshake_s: float = 20.0
    timeout_s: float = 60.0
