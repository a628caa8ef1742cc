"""Telling the sender what lies at the destination, a page at a time, in walk order."""

from dwcp.blocks import Chunking
from dwcp.transfer.protocol import MAX_LISTED, Listed, Listing
from dwcp.transfer.receiving.index import Index, IndexedFile
from dwcp.transfer.receiving.tree import Tree

__all__ = ["Lister"]

_MAX_PATH_BYTES = 512 * 1024
_PAGE = 128


class Lister:
    """Lists the regular files of one root that the index knows and that are still as it knows them."""

    def __init__(self, root: bytes, index: Index, destination: Tree, chunking: Chunking) -> None:
        """Begin before the first.

        Args:
            root: name of the root.
            index: what is known.
            destination: where it lies.
            chunking: only files that were cut this way are listed: others have other contents.
        """
        self._root = root
        self._index = index
        self._destination = destination
        self._chunking = chunking
        self._begin = b""
        self._is_over = False

    def listing(self, count: int) -> Listing:
        """The next entries.

        Args:
            count: at most so many; fewer where their paths are long.

        Raises:
            StorageError: the index or the destination cannot be read.
        """
        count = min(count, MAX_LISTED)
        entries: list[Listed] = []
        path_bytes = 0
        while not self._is_over and len(entries) < count and path_bytes < _MAX_PATH_BYTES:
            wanted = min(count - len(entries), _PAGE)
            files = self._index.page(self._root, self._begin, wanted, self._chunking)
            self._is_over = len(files) < wanted
            gone = []
            for file in files:
                self._begin = file.path + b"/"
                if not file.facts.are_of(self._destination.look(file.path)):
                    gone.append(file)
                    continue
                entries.append(self._listed(file))
                path_bytes += len(file.path)
            self._index.drop(gone)
        return Listing(tuple(entries), self._is_over)

    def _listed(self, file: IndexedFile) -> Listed:
        path = tuple(file.path.split(b"/")[1:])
        return Listed(path, file.facts.size_bytes, file.facts.mtime_ns, file.content)
