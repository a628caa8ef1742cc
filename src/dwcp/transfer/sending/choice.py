"""A choice of codec, what it was made for, and what encoding with it took."""

from msgspec import Struct

from dwcp.tasks.compression.contract import Action, Context
from dwcp.transfer.sending.costs import Resources

__all__ = ["Choice", "Term", "Timing"]


class Timing(Struct, frozen=True):
    """What encoding a bundle took.

    Attributes:
        busy_s: of the clock.
        cpu_ms: of the processor.
    """

    busy_s: float
    cpu_ms: float


class Choice(Struct, frozen=True):
    """What to do with a bundle.

    Attributes:
        action: the codec.
        flow: whose bundle.
        resources: what it was made for.
        context: what the advisor was asked lately of such bundles, where it was.
    """

    action: Action
    flow: str
    resources: Resources
    context: Context | None = None


class Term(Struct):
    """For how long something holds: so many bytes, and no longer than so many seconds.

    Attributes:
        left_bytes: plain bytes it still serves.
        until_s: when it ends.
    """

    left_bytes: float = 0.0
    until_s: float = 0.0

    def serves(self, now: float, plain_bytes: int) -> bool:
        """Whether it still holds; then the bundle is counted."""
        if self.left_bytes <= 0 or now >= self.until_s:
            return False
        self.left_bytes -= plain_bytes
        return True

    def end(self) -> None:
        """Let it hold no longer."""
        self.left_bytes = 0.0
