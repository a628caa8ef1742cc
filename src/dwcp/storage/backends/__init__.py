"""Where a store keeps its objects: one protocol, and what fulfils it."""

from dwcp.storage.backends.backend import Backend, WriterLock
from dwcp.storage.backends.cache import cache_folder
from dwcp.storage.backends.folder import FolderBackend
from dwcp.storage.backends.locations import open_backend
from dwcp.storage.backends.locks import BothLocks, lock_folder, make_private_folder
from dwcp.storage.backends.memory import MemoryBackend
from dwcp.storage.backends.names import check_object_name

__all__ = [
    "Backend",
    "BothLocks",
    "FolderBackend",
    "MemoryBackend",
    "WriterLock",
    "cache_folder",
    "check_object_name",
    "lock_folder",
    "make_private_folder",
    "open_backend",
]
