"""Where a store keeps its objects: one protocol, and what fulfils it."""

from dwcp.storage.backends.backend import Backend, WriterLock
from dwcp.storage.backends.folder import FolderBackend
from dwcp.storage.backends.memory import MemoryBackend
from dwcp.storage.backends.names import check_object_name

__all__ = ["Backend", "FolderBackend", "MemoryBackend", "WriterLock", "check_object_name"]
