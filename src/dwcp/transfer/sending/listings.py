"""What lies at the destination, pulled page by page beside the walk, which has the same order."""

from collections import deque
from collections.abc import Callable

from dwcp.errors import ProtocolError
from dwcp.transfer.protocol import Listed, Listing

__all__ = ["Listings"]


class Listings:
    """Finds listed files by path; paths are asked for in walk order. For one thread.

    Args:
        next_page: gives the next page; waits for it.
    """

    def __init__(self, next_page: Callable[[], Listing]) -> None:
        self._next_page = next_page
        self._entries: deque[Listed] = deque()
        self._latest: tuple[bytes, ...] | None = None
        self._last = False

    def find(self, path: tuple[bytes, ...]) -> Listed | None:
        """The listed file at a path, components from the root down; None where there is none.

        Raises:
            ProtocolError: the listing is not in walk order, or a page of it is empty and not the last.
        """
        while True:
            while self._entries and self._entries[0].path < path:
                self._entries.popleft()
            if self._entries:
                return self._entries[0] if self._entries[0].path == path else None
            if self._last:
                return None
            self._pull()

    def _pull(self) -> None:
        page = self._next_page()
        for entry in page.entries:
            if self._latest is not None and entry.path <= self._latest:
                raise ProtocolError("the receiver's listing is not in the order of the walk")
            self._latest = entry.path
            self._entries.append(entry)
        if not page.entries and not page.last:
            raise ProtocolError("the receiver sent an empty page of its listing, and says that more follows")
        self._last = page.last
