"""``dwcp store``: keep versions of files, each block once."""

from dwcp.cli.store.group import store

__all__ = ["store"]
