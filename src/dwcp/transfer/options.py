"""How to send and to receive, and what the calls may use beside."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from dwcp.errors import InputError
from dwcp.transfer.endpoints.limits import ReceiverLimits
from dwcp.transfer.security import KeyFolder, SecurityOptions

if TYPE_CHECKING:
    from dwcp.serving import Advisor
    from dwcp.telemetry import RecordTaker
    from dwcp.transfer.receiving.block_source import BlockSource

__all__ = ["Environment", "ReceiveOptions", "SendOptions"]

_MOST_STREAMS = 64


class SendOptions(Struct, frozen=True):
    """How to send.

    Attributes:
        delete: in `sync`, remove at the receiver what the source does not have.
        checksum: in `sync`, compare content even where size and time agree.
        streams: a fixed number of TCP streams; None for as many as help.
        cpu_workers: threads that compress.
        codec: a fixed codec, e.g. ``zstd-3``; None to choose.
        references: older versions kept here that the receiver has.
        security: TLS, tokens and certificates.
        congestion: the kernel's congestion control to use, e.g. ``bbr``; None for its default.
        retries: times to connect again after a cut.
        timeout_s: silence after which a connection is given up.
        hints_after_s: seconds in which rules alone choose codecs. Loading a model and looking at the data
            cost more than hints save in a transfer that is over soon; one that has lasted as long will
            probably last as long again.

    Raises:
        InputError: a number that cannot be.
    """

    delete: bool = False
    checksum: bool = False
    streams: int | None = None
    cpu_workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    codec: str | None = None
    references: tuple[Path, ...] = ()
    security: SecurityOptions = field(default_factory=SecurityOptions)
    congestion: str | None = None
    retries: int = 5
    timeout_s: float = 60.0
    hints_after_s: float = 5.0

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be."""
        if self.streams is not None and not 1 <= self.streams <= _MOST_STREAMS:
            raise InputError(f"a transfer has 1 to {_MOST_STREAMS} streams, not {self.streams}")
        if self.cpu_workers < 1 or self.retries < 0 or self.timeout_s <= 0:
            raise InputError("cpu_workers must be at least 1, retries at least 0, and timeout_s above 0")


class ReceiveOptions(Struct, frozen=True):
    """How to receive.

    Attributes:
        once: end after the first transfer that is in place.
        durable: have everything on disk before saying that it is in place.
        keep_special: take over set-user-id, set-group-id and sticky bits.
        security: TLS, tokens and certificates.
        limits: what bounds it.
    """

    once: bool = False
    durable: bool = True
    keep_special: bool = False
    security: SecurityOptions = field(default_factory=SecurityOptions)
    limits: ReceiverLimits = field(default_factory=ReceiverLimits)


class Environment(Struct, frozen=True):
    """What a transfer may use beside files and sockets. None of it is needed.

    Attributes:
        keys: the folder of keys; the user's own unless given.
        state: a folder for what was read before and what paths were like; nothing is remembered without.
        advisor: gives hints; without one, rules decide.
        recorder: takes telemetry.
        node_id: who this is, in telemetry.
        blocks: those that lie at a receiver beside its files, such as a store's, and need not be sent.
    """

    keys: KeyFolder | None = None
    state: Path | None = None
    advisor: "Advisor | None" = None
    recorder: "RecordTaker | None" = None
    node_id: str = ""
    blocks: "BlockSource | None" = None
