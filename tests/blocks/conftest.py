"""What the tests of blocks share: a store of nodes that reads back what builders put into it."""

from collections.abc import Iterator

import pytest

from dwcp.blocks import (
    ChildPage,
    DirectoryNode,
    Entry,
    FileLink,
    FileNode,
    FilePart,
    LinkKind,
    ZeroRun,
    decode_node,
)
from dwcp.codecs import plaintext_id


class NodeStore(dict[bytes, bytes]):
    """Nodes by id; every one that is read is checked."""

    def put(self, node_id: bytes, node: bytes) -> None:
        assert plaintext_id(node) == node_id
        self[node_id] = node

    def read(self, node_id: bytes):
        assert plaintext_id(self[node_id]) == node_id
        return decode_node(self[node_id])

    def parts(self, link: FileLink) -> Iterator[FilePart | ZeroRun]:
        """A file's chunks and zero runs, through all its pages."""
        if link.kind is LinkKind.CHUNK:
            yield FilePart(link.size_bytes, link.id)
        elif link.kind is LinkKind.FILE:
            yield from self._parts(link.id)

    def _parts(self, node_id: bytes) -> Iterator[FilePart | ZeroRun]:
        node = self.read(node_id)
        assert isinstance(node, FileNode)
        for part in node.parts:
            if node.level == 0:
                yield part
            else:
                page = self.read(part.id)
                assert (page.level, page.size_bytes) == (node.level - 1, part.size_bytes)
                yield from self._parts(part.id)

    def entries(self, node_id: bytes) -> Iterator[Entry]:
        """A directory's entries, through all its pages."""
        node = self.read(node_id)
        assert isinstance(node, DirectoryNode)
        for entry in node.entries:
            if not isinstance(entry, ChildPage):
                yield entry
                continue
            page = self.read(entry.id)
            assert (page.level, page.entries[-1].name) == (node.level - 1, entry.last_name)
            yield from self.entries(entry.id)


@pytest.fixture
def store() -> NodeStore:
    return NodeStore()


@pytest.fixture(scope="session")
def new_store() -> type[NodeStore]:
    return NodeStore
