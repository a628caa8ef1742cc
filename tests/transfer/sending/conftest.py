"""What the tests of the sender share."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# The receiver that the tests drive a sender with.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Every sender that a test made is closed after it."""
    from sending_peer import OPENED

    yield
    for outgoing in OPENED:
        outgoing.close()
    OPENED.clear()
