"""Passphrases: the right one opens, another does not, and what a hostile store asks for is not done."""

import traceback

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.blocks import Chunking
from dwcp.blocks.canonical import to_canonical
from dwcp.errors import DwcpError, InputError, StoreError
from dwcp.storage import KeyCost, StoreSettings
from dwcp.storage.sealing import DEFAULT_KEY_COST
from dwcp.storage.sealing import config as module
from dwcp.storage.sealing.config import open_sealed_config, sealed_config
from dwcp.storage.settings import SEALED_TAG, is_sealed, with_checksum

CHEAP = KeyCost(16 * 1024, 1, 1)
SETTINGS = StoreSettings(Chunking(512, 1024, 4096))
KEY, SALT = bytes(range(32)), bytes(range(32, 64))


def made(passphrase: str = "correct horse") -> bytes:
    return sealed_config(SETTINGS, KEY, passphrase, CHEAP, SALT)


@settings(max_examples=10, deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_it_opens_and_nothing_else_does(passphrase: str) -> None:
    data = made(passphrase)
    assert open_sealed_config(data, passphrase, "here") == (SETTINGS, KEY)
    with pytest.raises(InputError, match="not the passphrase of the store in here"):
        open_sealed_config(data, f"{passphrase} ", "here")


def test_letters_are_the_same_however_they_were_typed() -> None:
    assert open_sealed_config(made("caf\u00e9"), "cafe\u0301", "here")[1] == KEY


def test_nothing_is_read_in_it() -> None:
    data = made()
    assert is_sealed(data)
    assert not is_sealed(SETTINGS.to_bytes())
    for secret in (KEY, b"correct horse", SETTINGS.to_bytes()[:10]):
        assert secret not in data


def test_every_flipped_bit_is_found() -> None:
    data = made()
    for place in range(8 * len(data)):
        altered = bytearray(data)
        altered[place // 8] ^= 1 << place % 8
        with pytest.raises(StoreError, match="config is damaged"):
            open_sealed_config(bytes(altered), "correct horse", "here")


@pytest.mark.parametrize("field", [1, 2, 3, 4, 5])
def test_what_was_altered_with_its_checksum_does_not_open(field: int) -> None:
    fields: list[object] = [SEALED_TAG, 16 * 1024, 1, 1, SALT, bytes(100)]
    other: list[object] = [None, 16 * 1024 + 8, 2, 2, bytes(32), bytes(101)]
    fields[field] = other[field]
    with pytest.raises(InputError, match="not the passphrase"):
        open_sealed_config(with_checksum(to_canonical(fields)), "correct horse", "here")


@pytest.mark.parametrize(
    ("memory_kib", "passes", "lanes", "salt"),
    [
        (100 * 1024 * 1024, 1, 1, SALT),
        (2**63, 1, 1, SALT),
        (1024, 1, 1, SALT),
        (-1, 1, 1, SALT),
        (16 * 1024, 1_000_000, 1, SALT),
        (16 * 1024, 0, 1, SALT),
        (16 * 1024, 1, 1000, SALT),
        (16 * 1024, 1, 1, b""),
        (16 * 1024, 1, 1, bytes(1000)),
        (True, 1, 1, SALT),
        ("much", 1, 1, SALT),
    ],
)
def test_a_store_cannot_ask_for_too_much(
    monkeypatch: pytest.MonkeyPatch, memory_kib: object, passes: int, lanes: int, salt: bytes
) -> None:
    def never(**_: object) -> None:
        raise AssertionError("it was believed")

    monkeypatch.setattr(module, "Argon2id", never)
    value = [SEALED_TAG, memory_kib, passes, lanes, salt, bytes(100)]
    with pytest.raises(StoreError, match="config"):
        open_sealed_config(with_checksum(to_canonical(value)), "correct horse", "here")


@pytest.mark.parametrize("passphrase", ["", "\ud800"])
def test_what_is_no_passphrase_is_refused(passphrase: str) -> None:
    for work in (lambda: made(passphrase), lambda: open_sealed_config(made(), passphrase, "here")):
        with pytest.raises(InputError, match="passphrase"):
            work()


@pytest.mark.parametrize("passphrase", ["s3cret-wrong", "s3cret-\ud800"])
def test_no_error_shows_the_passphrase(passphrase: str) -> None:
    try:
        open_sealed_config(made(), passphrase, "here")
    except DwcpError:
        assert "s3cret" not in traceback.format_exc()
    else:
        raise AssertionError("it opened")


def test_the_default_is_what_is_recommended() -> None:
    """RFC 9106: at least 64 MiB with 3 passes and 4 lanes."""
    assert DEFAULT_KEY_COST.memory_kib >= 64 * 1024
    assert (DEFAULT_KEY_COST.passes, DEFAULT_KEY_COST.lanes) == (3, 4)
