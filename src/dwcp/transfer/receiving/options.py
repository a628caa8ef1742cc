"""How a receiver treats its destination."""

from msgspec import Struct

from dwcp.transfer.receiving.block_source import BlockSource

__all__ = ["ReceivingOptions"]

_WEEK_S = 7 * 24 * 3600.0


class ReceivingOptions(Struct, frozen=True, kw_only=True):
    """How a receiver treats its destination.

    Attributes:
        durable: whether everything is flushed to the disk before it is put in place and said to be done.
        keep_special: whether set-user-id, set-group-id and sticky bits are taken over; they are dropped else.
        stale_after_s: after how long without use what a session left behind is removed, seconds.
        blocks: those that lie here elsewhere, and need not be sent; None for none.
    """

    durable: bool = True
    keep_special: bool = False
    stale_after_s: float = _WEEK_S
    blocks: BlockSource | None = None

    def mode(self, mode: int) -> int:
        """The permission bits that are taken over of a mode."""
        return mode & (0o7777 if self.keep_special else 0o777)
