"""Options of a stream's socket."""

import errno
import socket
from pathlib import Path

from dwcp.errors import ConnectionLostError, InputError
from dwcp.tasks.compression.contract import Link

__all__ = ["congestion_control", "fit_send_buffer", "is_loss_based", "tune"]

UNSENT_BYTES = 128 * 1024
"""Most that waits unsent in a socket (``TCP_NOTSENT_LOWAT``): what is written next leaves soon, and idle
streams are seen at once. A tenth of a second at 10 Mbit/s; on a loopback of 25 Gbit/s, as fast as without."""
AUTOTUNED_BYTES = 4 * 1024 * 1024
"""What Linux lets a send buffer grow to by itself (``tcp_wmem``)."""
PAYLOAD_SHARE = 0.7
"""How much of a send buffer can be payload on the way; the rest is the kernel's own."""
WORTH_GROWING = 1.1
"""A buffer is set anew for a tenth more."""
KEEPALIVE_PROBES = 3

_MOST_SET = Path("/proc/sys/net/core/wmem_max")
_ALGORITHMS = Path("/proc/sys/net/ipv4/tcp_available_congestion_control")
_NAME_BYTES = 16


def tune(
    sock: socket.socket,
    link: Link | None = None,
    *,
    streams: int = 1,
    congestion: str = "",
    dead_after_s: float = 60.0,
) -> None:
    """Set a TCP socket up for a transfer; may be called again when more is known of the link.

    The receive buffer is left to the kernel: setting it would fix the window below what the kernel grows it
    to. So is the send buffer, unless this stream's share of what the link holds does not fit into what it
    grows to by itself; one stream over 80 ms then carries a third more.

    Args:
        sock: a TCP socket, also one that is wrapped in TLS.
        link: as estimated; None where nothing is known.
        streams: that share the link.
        congestion: name of a congestion control (``cubic``, ``bbr``); empty for the system's own.
        dead_after_s: a peer that acknowledges nothing, or takes nothing in, for so long is given up.

    Raises:
        ConnectionLostError: the socket is closed.
        InputError: the system has no such congestion control, or does not allow it.
    """
    try:
        _set_options(sock, dead_after_s)
        if link is not None:
            _fit_send_buffer(sock, link.bandwidth_mbps * 125 * link.rtt_ms / max(1, streams))
        if congestion:
            _set_congestion_control(sock, congestion)
    except OSError as error:
        raise ConnectionLostError(f"a stream's socket cannot be set up: {error.strerror}") from error


def fit_send_buffer(sock: socket.socket, link: Link, streams: int) -> None:
    """Let the send buffer hold this stream's share of what the link holds, where the kernel would not.

    It only ever grows: a buffer that is too large costs memory, one that is too small costs goodput. It stays
    as it is where the system allows no larger one than the kernel grows it to.

    Args:
        sock: a TCP socket, also one that is wrapped in TLS.
        link: as forecast.
        streams: that share it.

    Raises:
        ConnectionLostError: the socket is closed.
    """
    try:
        _fit_send_buffer(sock, link.bandwidth_mbps * 125 * link.rtt_ms / max(1, streams))
    except OSError as error:
        raise ConnectionLostError(f"a stream's socket cannot be set up: {error.strerror}") from error


def congestion_control(sock: socket.socket) -> str:
    """The name of the congestion control in use.

    Raises:
        ConnectionLostError: the socket is closed.
    """
    try:
        name = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, _NAME_BYTES)
    except OSError as error:
        raise ConnectionLostError(f"a stream's socket cannot be asked: {error.strerror}") from error
    return name.split(b"\0", 1)[0].decode("ascii", "replace")


def is_loss_based(name: str) -> bool:
    """Whether a congestion control takes losses for a full link; only the versions of BBR do not."""
    return not name.startswith("bbr")


def _set_options(sock: socket.socket, dead_after_s: float) -> None:
    probe_s = max(1, round(dead_after_s / (KEEPALIVE_PROBES + 1)))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        (socket.TCP_NODELAY, 1),
        (socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES),
        (socket.TCP_USER_TIMEOUT, round(dead_after_s * 1e3)),
        (socket.TCP_KEEPIDLE, probe_s),
        (socket.TCP_KEEPINTVL, probe_s),
        (socket.TCP_KEEPCNT, KEEPALIVE_PROBES),
    ):
        sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _fit_send_buffer(sock: socket.socket, held_bytes: float) -> None:
    """The kernel doubles what it is told, and cuts it to ``wmem_max``; then it grows the buffer no more."""
    wanted = min((held_bytes + UNSENT_BYTES) / PAYLOAD_SHARE, 2.0 * _most_set_bytes(), 2.0**31)
    if wanted <= AUTOTUNED_BYTES:
        return
    if wanted > WORTH_GROWING * sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, min(round(wanted / 2), 2**30))


def _most_set_bytes() -> int:
    """What the system lets a program ask for; 0 where it does not tell."""
    try:
        return int(_MOST_SET.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _set_congestion_control(sock: socket.socket, name: str) -> None:
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode())
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EPERM, errno.EINVAL):
            raise
        reason = "may not be used by this user" if error.errno == errno.EPERM else "is not there"
        raise InputError(f"congestion control {name!r} {reason}; this system has: {_algorithms()}") from error


def _algorithms() -> str:
    try:
        return ", ".join(_ALGORITHMS.read_text(encoding="ascii").split())
    except OSError:
        return "unknown"
