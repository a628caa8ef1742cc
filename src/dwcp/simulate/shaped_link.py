"""A real link on one machine: two network namespaces joined by veth, shaped by the kernel (root, Linux).

The kernel's token bucket (``tc tbf``) gives the rate, nftables the loss. A delay needs something that holds
packets back; `namespaces` and `bring_up` are what such a thing builds on.
"""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dwcp.errors import InputError

__all__ = [
    "DEVICE",
    "LEAST_QUEUE_BYTES",
    "LinkEnd",
    "LinkShape",
    "ShapedLink",
    "available",
    "bring_up",
    "namespaces",
    "shaped_link",
]

DEVICE = "dwcp0"
"""Name of the device in both namespaces."""
LEAST_QUEUE_BYTES = 256 * 1024
"""A queue is never shorter than this."""

_NETWORK = "10.77.0.0/24"
_ADDRESSES = ("10.77.0.1", "10.77.0.2")
_PROGRAMS = ("ip", "tc", "nsenter")
_BURST_S = 1e-3
_LEAST_BURST_BYTES, _MOST_BURST_BYTES = 16 * 1024, 128 * 1024
_LOSS_RULES = """
table inet loss {{
  chain arriving {{
    type filter hook prerouting priority -300;
    iifname "{device}" numgen random mod 1000000 < {millionths} drop
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class LinkShape:
    """What a link is like, each way alike.

    Attributes:
        rate_mbps: most megabits a second, counted with headers; None for no limit.
        rtt_ms: round trip time that the link itself takes.
        jitter_ms: most that a packet is held back beyond that, each way, in order.
        loss: share of packets lost each way, 0 to 1.

    Raises:
        InputError: a value that no link has.
    """

    rate_mbps: float | None = None
    rtt_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0

    def __post_init__(self) -> None:
        rate_fits = self.rate_mbps is None or self.rate_mbps > 0
        if not rate_fits or self.rtt_ms < 0 or self.jitter_ms < 0 or not 0 <= self.loss < 1:
            raise InputError(
                f"{self} is no link: give a rate above 0, times from 0, a loss from 0 to below 1"
            )

    @property
    def is_delayed(self) -> bool:
        """Whether packets are held back."""
        return self.rtt_ms > 0 or self.jitter_ms > 0

    @property
    def queue_bytes(self) -> int:
        """About one bandwidth-delay product, and at least `LEAST_QUEUE_BYTES`."""
        if self.rate_mbps is None:
            return LEAST_QUEUE_BYTES
        return max(LEAST_QUEUE_BYTES, int(self.rate_mbps * 1e6 / 8 * self.rtt_ms / 1e3))

    def __str__(self) -> str:
        rate = "unshaped" if self.rate_mbps is None else f"{self.rate_mbps:g} Mbit/s"
        jitter = f" ± {self.jitter_ms:g}" if self.jitter_ms else ""
        return f"{rate}, RTT {self.rtt_ms:g}{jitter} ms, loss {100 * self.loss:g} %"


@dataclass(frozen=True, slots=True)
class LinkEnd:
    """One end: a network namespace with an address of its own."""

    namespace: str
    address: str

    def command(self, *words: str) -> list[str]:
        """The words of a command that runs at this end."""
        return ["nsenter", f"--net=/run/netns/{self.namespace}", "--", *words]

    def sent_bytes(self) -> int:
        """What the end has sent, headers included (of a large packet, those of its first segment)."""
        shown = _run("ip", "-n", self.namespace, "-s", "-j", "link", "show", "dev", DEVICE)
        return int(json.loads(shown)[0]["stats64"]["tx"]["bytes"])


@dataclass(frozen=True, slots=True)
class ShapedLink:
    """A link that stands: its two ends, and its shape."""

    near: LinkEnd
    far: LinkEnd
    shape: LinkShape


def available() -> str | None:
    """Why no link can be made here, in a few words; None when one can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"{', '.join(missing)} is not installed (Debian: iproute2, util-linux)"
    try:
        with namespaces():
            return None
    except InputError as error:
        return str(error)


@contextmanager
def shaped_link(shape: LinkShape, *, congestion_control: str | None = None) -> Iterator[ShapedLink]:
    """A link of veth and kernel queues, for as long as the block lasts.

    Args:
        shape: rate and loss; it may have no delay.
        congestion_control: of TCP at both ends, such as ``bbr``; None for the system's own.

    Raises:
        InputError: this machine cannot make it, or the shape has a delay.
    """
    if shape.is_delayed:
        raise InputError(f"the kernel's queues cannot delay packets: {shape} needs a relay")
    with namespaces() as (near, far):
        _join(near, far)
        for end in (near, far):
            bring_up(end, congestion_control)
            _shape(end, shape)
        yield ShapedLink(near, far, shape)


@contextmanager
def namespaces() -> Iterator[tuple[LinkEnd, LinkEnd]]:
    """Two new network namespaces with nothing in them; they go when the block ends.

    Raises:
        InputError: this machine cannot make them.
    """
    stem = f"dwcp-{os.getpid()}-{secrets.token_hex(3)}"
    near, far = (
        LinkEnd(f"{stem}-{name}", address) for name, address in zip(("near", "far"), _ADDRESSES, strict=True)
    )
    made: list[LinkEnd] = []
    try:
        for end in (near, far):
            _run("ip", "netns", "add", end.namespace)
            made.append(end)
        yield near, far
    finally:
        for end in made:
            _run("ip", "netns", "delete", end.namespace)


def bring_up(end: LinkEnd, congestion_control: str | None) -> None:
    """Give the end's device, which is there, its address, and TCP its congestion control.

    What TCP learned from one connection does not help the next, so that each run begins alike.

    Raises:
        InputError: the system does not have that congestion control, or the device is not there.
    """
    # By route and not by sysctl: a namespace may only choose what the whole machine is set to allow.
    control = () if congestion_control is None else ("congctl", congestion_control)
    network = (_NETWORK, "dev", DEVICE, "src", end.address)
    for words in (
        ("addr", "add", f"{end.address}/32", "dev", DEVICE),
        ("link", "set", DEVICE, "txqueuelen", "5000", "up"),
        ("link", "set", "lo", "up"),
        ("route", "add", *network, *control),
    ):
        _run("ip", "-n", end.namespace, *words)
    _run(*end.command("sh", "-c", "echo 1 > /proc/sys/net/ipv4/tcp_no_metrics_save"))


def _join(near: LinkEnd, far: LinkEnd) -> None:
    ends = ("netns", near.namespace, "type", "veth", "peer", "name", DEVICE, "netns", far.namespace)
    _run("ip", "link", "add", DEVICE, *ends)


def _shape(end: LinkEnd, shape: LinkShape) -> None:
    if shape.rate_mbps is not None:
        bytes_a_second = shape.rate_mbps * 1e6 / 8
        burst = int(min(max(bytes_a_second * _BURST_S, _LEAST_BURST_BYTES), _MOST_BURST_BYTES))
        bucket = ("tbf", "rate", f"{shape.rate_mbps:g}mbit", "burst", str(burst))
        queue = ("limit", str(shape.queue_bytes))
        _run("tc", "-n", end.namespace, "qdisc", "add", "dev", DEVICE, "root", *bucket, *queue)
    if shape.loss:
        # Else one loss would take up to 64 KiB, which the kernel hands over as one packet.
        _run("ip", "-n", end.namespace, "link", "set", DEVICE, "gso_max_segs", "1")
        rules = _LOSS_RULES.format(device=DEVICE, millionths=round(shape.loss * 1e6))
        _run(*end.command("nft", "-f", "-"), told=rules)


def _run(*words: str, told: str = "") -> str:
    """What a command prints.

    Raises:
        InputError: it is not installed, or it failed.
    """
    try:
        done = subprocess.run(words, input=told, capture_output=True, text=True, check=False)
    except OSError as error:
        raise InputError(f"the link needs {words[0]}, which cannot be run: {error.strerror}") from error
    if done.returncode:
        reason = done.stderr.strip() or f"exit status {done.returncode}"
        raise InputError(f"the link cannot be set up: `{' '.join(words)}` says: {reason}")
    return done.stdout
