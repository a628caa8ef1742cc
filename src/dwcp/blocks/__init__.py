"""What transfer and storage share: chunks, zero runs, and nodes that commit to whole trees by one id."""

from dwcp.blocks.chunking import DEFAULT_CHUNKING, MAX_CHUNK_BYTES, Chunking
from dwcp.blocks.entries import (
    ChildPage,
    Entry,
    FileEntry,
    FilePart,
    SubdirectoryEntry,
    SymlinkEntry,
    ZeroRun,
)
from dwcp.blocks.file_builder import FileBuilder
from dwcp.blocks.link import ID_BYTES, LINK_BYTES, FileLink, LinkKind
from dwcp.blocks.names import MAX_MODE, MAX_NAME_BYTES, MAX_SIZE_BYTES, MAX_TARGET_BYTES, check_name
from dwcp.blocks.nodes import (
    MAX_NODE_BYTES,
    DirectoryNode,
    FileNode,
    Node,
    SnapshotNode,
    decode_node,
    encode_node,
)
from dwcp.blocks.pages import Put
from dwcp.blocks.reading import DataPiece, ZeroPiece, cut_pieces, read_pieces
from dwcp.blocks.tree_builder import MAX_DEPTH, TreeBuilder
from dwcp.blocks.zeros import ZERO_RUN_BYTES

__all__ = [
    "DEFAULT_CHUNKING",
    "ID_BYTES",
    "LINK_BYTES",
    "MAX_CHUNK_BYTES",
    "MAX_DEPTH",
    "MAX_MODE",
    "MAX_NAME_BYTES",
    "MAX_NODE_BYTES",
    "MAX_SIZE_BYTES",
    "MAX_TARGET_BYTES",
    "ZERO_RUN_BYTES",
    "ChildPage",
    "Chunking",
    "DataPiece",
    "DirectoryNode",
    "Entry",
    "FileBuilder",
    "FileEntry",
    "FileLink",
    "FileNode",
    "FilePart",
    "LinkKind",
    "Node",
    "Put",
    "SnapshotNode",
    "SubdirectoryEntry",
    "SymlinkEntry",
    "TreeBuilder",
    "ZeroPiece",
    "ZeroRun",
    "check_name",
    "cut_pieces",
    "decode_node",
    "encode_node",
    "read_pieces",
]
