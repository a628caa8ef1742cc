"""Where the transfers go: over a link made for them, or over loopback where none can be made."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from dwcp.cli.demo.transfer.tidying import undisturbed
from dwcp.errors import InputError
from dwcp.simulate.shaped_link import LinkShape, ShapedLink, available, shaped_link

__all__ = ["SHAPE", "End", "Route", "open_route"]

SHAPE = LinkShape(rate_mbps=100.0)


class End(Protocol):
    """Where a process can run."""

    @property
    def address(self) -> str:
        """The address that the other end reaches it by."""

    def command(self, *words: str) -> list[str]:
        """The words of a command that runs there."""


@dataclass(frozen=True, slots=True)
class _Here:
    """This host, as it is."""

    address: str = "127.0.0.1"

    def command(self, *words: str) -> list[str]:
        return list(words)


@dataclass(frozen=True, slots=True)
class Route:
    """The way from a sender to a receiver.

    Attributes:
        link: the link; None for loopback.
        why: why there is no link, in a few words.
    """

    link: ShapedLink | None
    why: str = ""

    @property
    def shape(self) -> LinkShape | None:
        """What the link is like."""
        return self.link.shape if self.link else None

    @property
    def near(self) -> End:
        """Where the sender runs."""
        return self.link.near if self.link else _Here()

    @property
    def far(self) -> End:
        """Where the receiver runs."""
        return self.link.far if self.link else _Here()

    def carried_bytes(self) -> int | None:
        """What the link has carried, both ways, with headers; None for loopback.

        Raises:
            InputError: the link is gone.
        """
        return self.link.near.sent_bytes() + self.link.far.sent_bytes() if self.link else None


def open_route(stack: ExitStack) -> Route:
    """A link, which the stack will remove; loopback where this machine cannot make one."""
    with undisturbed():
        why = available()
        if why is None:
            try:
                return Route(stack.enter_context(shaped_link(SHAPE)))
            except InputError as error:
                why = str(error)
    return Route(None, " ".join(why.split()))
