"""The blocks of the golden pack are read, and the settings are as they always were."""

import json
from pathlib import Path

from dwcp.storage import MemoryBackend, Store, StoreSettings

GOLDEN = json.loads((Path(__file__).parent / "golden" / "pack.json").read_text("utf-8"))


def test_a_store_of_the_golden_pack_is_read() -> None:
    backend = MemoryBackend()
    backend.put("config", bytes.fromhex(GOLDEN["config_hex"]))
    backend.put(f"packs/{GOLDEN['id'][:2]}/{GOLDEN['id']}", bytes.fromhex(GOLDEN["pack_hex"]))
    with Store.open(backend) as store:
        assert store.settings == StoreSettings()
        for row, plain in zip(GOLDEN["entries"], GOLDEN["plain_hex"], strict=True):
            assert store.get_block(bytes.fromhex(row[0])).hex() == plain
        assert store.verify().is_clean
        assert store.stats().delta_count == 1


def test_settings_are_as_they_were() -> None:
    assert StoreSettings().to_bytes().hex() == GOLDEN["config_hex"]
