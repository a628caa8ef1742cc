"""A bridge in a namespace, a namespace a member, and what is done to the links between them."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.consensus.commands import run
from benchmarks.consensus.places import NAMESPACES, Places

from dwcp.errors import InputError

PEER_PORT = 2380
_NEW_NET = 0x40000000
_TABLE = "dwcpfault"


def join(places: Places, members: int) -> None:
    """Make the bridge and join a namespace for each member to it.

    Raises:
        InputError: this machine cannot make them.
    """
    hub = places.hub
    run("ip", "netns", "add", hub)
    run("ip", "-n", hub, "link", "set", "lo", "up")
    run("ip", "-n", hub, "link", "add", "br0", "type", "bridge")
    run("ip", "-n", hub, "addr", "add", f"{places.hub_address}/24", "dev", "br0")
    run("ip", "-n", hub, "link", "set", "br0", "up")
    for member in range(1, members + 1):
        own = places.namespace(member)
        run("ip", "netns", "add", own)
        far = ("type", "veth", "peer", "name", "eth0", "netns", own)
        run("ip", "-n", hub, "link", "add", f"v{member}", *far)
        run("ip", "-n", hub, "link", "set", f"v{member}", "master", "br0", "up")
        run("ip", "-n", own, "link", "set", "lo", "up")
        run("ip", "-n", own, "addr", "add", f"{places.address(member)}/24", "dev", "eth0")
        run("ip", "-n", own, "link", "set", "eth0", "up")


def take_apart(places: Places) -> None:
    """Remove what is there of it."""
    for name in places.namespaces():
        run("ip", "netns", "delete", name)


@contextmanager
def within(namespace: str) -> Iterator[None]:
    """This thread, and what it starts, in a network namespace while the block lasts."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _enter(os.open(NAMESPACES / namespace, os.O_RDONLY))
        try:
            yield
        finally:
            _enter(os.dup(home))
    finally:
        os.close(home)


def inside(places: Places, member: int, *words: str) -> list[str]:
    """The words of a command that runs in a member's namespace."""
    return ["nsenter", f"--net={NAMESPACES / places.namespace(member)}", "--", *words]


def peer_rules(hooks: tuple[str, ...], verdict: str) -> str:
    """Rules of nftables over what goes to and comes from other members.

    Args:
        hooks: ``input``, ``output``.
        verdict: what becomes of such packets, with a condition before it if need be.
    """
    chains = "".join(
        f"chain {hook} {{ type filter hook {hook} priority 0;"
        f" tcp dport {PEER_PORT} {verdict}; tcp sport {PEER_PORT} {verdict}; }}\n"
        for hook in hooks
    )
    return f"table inet {_TABLE} {{\n{chains}}}\n"


def lay_rules(places: Places, member: int, rules: str) -> None:
    run(*inside(places, member, "nft", "-f", "-"), told=rules)


def lift_rules(places: Places, member: int) -> None:
    run(*inside(places, member, "nft", "delete", "table", "inet", _TABLE))


def limit_rate(places: Places, member: int, kbit: float) -> None:
    bucket = ("tbf", "rate", f"{kbit:.0f}kbit", "burst", "6kb", "latency", "800ms")
    run("tc", "-n", places.namespace(member), "qdisc", "add", "dev", "eth0", "root", *bucket)


def lift_rate(places: Places, member: int) -> None:
    run("tc", "-n", places.namespace(member), "qdisc", "del", "dev", "eth0", "root")


def segments(pid: int) -> tuple[int, int] | None:
    """TCP segments sent and sent again in the namespace of a process; None where it is not there."""
    try:
        with open(f"/proc/{pid}/net/snmp", encoding="ascii") as table:  # noqa: PTH123 - each second
            rows = [line.split() for line in table if line.startswith("Tcp:")]
        told = dict(zip(*rows, strict=True))
        return int(told["OutSegs"]), int(told["RetransSegs"])
    except (OSError, ValueError, KeyError):
        return None


def _enter(handle: int) -> None:
    try:
        if ctypes.CDLL(None, use_errno=True).setns(handle, _NEW_NET):
            raise InputError(f"a network namespace cannot be entered: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(handle)
