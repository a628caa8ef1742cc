"""Trees in a store: read from a folder, walked, and written to one again."""

from dwcp.storage.trees.nodes import NodeReader, links
from dwcp.storage.trees.restore import restore_tree
from dwcp.storage.trees.source import Skip, put_tree
from dwcp.storage.trees.walk import Visit, walk_tree

__all__ = ["NodeReader", "Skip", "Visit", "links", "put_tree", "restore_tree", "walk_tree"]
