"""Skips what needs the extra ``s3`` where it is not installed; a bucket in memory, and a clock."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MakeBackend = Callable[..., Any]


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bucket() -> Any:
    """A service in memory."""
    stores = pytest.importorskip("obstore.store", reason="the extra s3 is not installed")
    return stores.MemoryStore()


@pytest.fixture
def at(bucket: Any, clock: Clock, tmp_path: Path) -> Callable[[str], Any]:
    """The bucket as it is seen from a machine; ``""`` for one without a folder."""
    from dwcp.storage.backends.bucket.backend import BucketBackend

    def seen(host: str = "") -> BucketBackend:
        folder = tmp_path / f"cache of {host}" if host else None
        return BucketBackend(bucket, "s3://bucket", host, folder, clock)

    return seen
