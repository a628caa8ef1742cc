"""Settings come back as they were, and damaged ones are refused."""

import pytest
from blake3 import blake3

from dwcp.blocks import Chunking
from dwcp.blocks.canonical import to_canonical
from dwcp.errors import StoreError
from dwcp.storage import StoreSettings


def test_they_come_back() -> None:
    settings = StoreSettings(Chunking(512, 1024, 4096))
    assert StoreSettings.from_bytes(settings.to_bytes()) == settings


def test_every_flipped_bit_and_every_cut_is_found() -> None:
    whole = StoreSettings().to_bytes()
    for place in range(8 * len(whole)):
        altered = bytearray(whole)
        altered[place // 8] ^= 1 << place % 8
        with pytest.raises(StoreError, match="config is damaged"):
            StoreSettings.from_bytes(altered)
    for length in range(len(whole)):
        with pytest.raises(StoreError):
            StoreSettings.from_bytes(whole[:length])


@pytest.mark.parametrize("value", [["store/2", 512, 1024, 4096], ["store/1", 1, 2, 3], ["store/1"], 5])
def test_what_is_not_understood_is_refused(value: object) -> None:
    body = to_canonical(value)
    with pytest.raises(StoreError):
        StoreSettings.from_bytes(body + blake3(body).digest())
