"""Pakit: a store of blocks that are kept once, in packs, on any backend."""

from dwcp.storage.backends import Backend, FolderBackend, MemoryBackend, WriterLock
from dwcp.storage.block_store import DEFAULT_CODEC
from dwcp.storage.collection import Collected
from dwcp.storage.packs import PackEntry, StoredKind
from dwcp.storage.settings import StoreSettings
from dwcp.storage.snapshots import Snapshot
from dwcp.storage.stats import CodecTotals, StoreStats
from dwcp.storage.store import Store
from dwcp.storage.trees import Skip
from dwcp.storage.verification import Fault, FaultKind, TouchedPath, Verified

__all__ = [
    "DEFAULT_CODEC",
    "Backend",
    "CodecTotals",
    "Collected",
    "Fault",
    "FaultKind",
    "FolderBackend",
    "MemoryBackend",
    "PackEntry",
    "Skip",
    "Snapshot",
    "Store",
    "StoreSettings",
    "StoreStats",
    "StoredKind",
    "TouchedPath",
    "Verified",
    "WriterLock",
]
