"""Which of a receiver's several addresses to knock at first."""

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dwcp.errors import DwcpError
from dwcp.serving import Advisor
from dwcp.transfer.amst import PathMemory
from dwcp.transfer.endpoints.connect import Address

if TYPE_CHECKING:
    from dwcp.tasks.peers.contract import Peer

__all__ = ["doors", "in_order"]


def doors(text: str) -> tuple[Address, ...]:
    """The addresses of one receiver, written with commas between.

    Raises:
        InputError: one of them is no address.
    """
    return tuple(Address.parse(one) for one in text.split(","))


def in_order(
    addresses: Sequence[Address],
    advisor: Advisor | None,
    memory: PathMemory | None,
    block_bytes: int,
    epoch_s: float,
) -> tuple[Address, ...]:
    """The addresses in the order in which to try them: as the advisor says, else the nearest known one first.

    Args:
        addresses: all of one receiver.
        advisor: whom to ask; None for nobody.
        memory: what earlier transfers over these paths were like.
        block_bytes: how much is to be sent, as far as is known.
        epoch_s: now, in seconds since 1970 UTC.
    """
    if len(addresses) < 2:
        return tuple(addresses)
    from dwcp.tasks.peers.contract import Context
    from dwcp.transfer.amst.peers import choose_peer

    known = {str(address): address for address in addresses}
    peers = tuple(_peer(name, memory, epoch_s) for name in known)
    order = choose_peer(advisor, Context(peers, block_bytes, epoch_s))
    return tuple(known[name] for name in order)


def _peer(name: str, memory: PathMemory | None, epoch_s: float) -> "Peer":
    from dwcp.tasks.peers.contract import Peer

    record = None
    if memory is not None:
        with contextlib.suppress(DwcpError):
            record = memory.recall(name, epoch_s)
    if record is None:
        return Peer(name)
    return Peer(name, record.rtt_ms, bandwidth_mbps=record.bandwidth_mbps, idle_s=epoch_s - record.epoch_s)
