"""Pakit: a store of blocks that are kept once, in packs, on any backend."""

from dwcp.storage.backends import Backend, FolderBackend, MemoryBackend, WriterLock, open_backend
from dwcp.storage.block_store import DEFAULT_CODEC
from dwcp.storage.collection import Collected
from dwcp.storage.hints import CompressionHint, NetworkParameters, StorageHints
from dwcp.storage.packs import PackEntry, StoredKind
from dwcp.storage.progress import Progress
from dwcp.storage.sealing import KeyCost
from dwcp.storage.settings import StoreSettings
from dwcp.storage.similar import SimilarBlocks
from dwcp.storage.snapshots import LATEST, Snapshot
from dwcp.storage.stats import CodecTotals, StoreStats
from dwcp.storage.store import Store
from dwcp.storage.trees import Skip, Visit
from dwcp.storage.verification import Fault, FaultKind, TouchedPath, Verified

__all__ = [
    "DEFAULT_CODEC",
    "LATEST",
    "Backend",
    "CodecTotals",
    "Collected",
    "CompressionHint",
    "Fault",
    "FaultKind",
    "FolderBackend",
    "KeyCost",
    "MemoryBackend",
    "NetworkParameters",
    "PackEntry",
    "Progress",
    "SimilarBlocks",
    "Skip",
    "Snapshot",
    "StorageHints",
    "Store",
    "StoreSettings",
    "StoreStats",
    "StoredKind",
    "TouchedPath",
    "Verified",
    "Visit",
    "WriterLock",
    "open_backend",
]
