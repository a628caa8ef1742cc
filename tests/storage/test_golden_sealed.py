"""The golden encrypted store opens, and is sealed to the byte as it always was."""

import json
from pathlib import Path

from blake3 import blake3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from dwcp.storage import KeyCost, MemoryBackend, Store, StoreSettings
from dwcp.storage.sealing.config import sealed_config
from dwcp.storage.sealing.keys import StoreKeys
from dwcp.storage.sealing.objects import seal_object

FOLDER = Path(__file__).parent / "golden"
PACK = json.loads((FOLDER / "pack.json").read_text("utf-8"))
GOLDEN = json.loads((FOLDER / "sealed.json").read_text("utf-8"))
DATA_KEY = bytes.fromhex(GOLDEN["data_key_hex"])
KEYS = StoreKeys(DATA_KEY)
NAME = GOLDEN["pack_name"]


def test_a_store_of_the_golden_objects_is_read() -> None:
    backend = MemoryBackend()
    backend.put("config", bytes.fromhex(GOLDEN["config_hex"]))
    backend.put(GOLDEN["sealed_pack_name"], bytes.fromhex(GOLDEN["sealed_pack_hex"]))
    with Store.open(backend, passphrase=GOLDEN["passphrase"]) as store:
        assert store.settings == StoreSettings()
        for row, plain in zip(PACK["entries"], PACK["plain_hex"], strict=True):
            assert store.get_block(bytes.fromhex(row[0])).hex() == plain
        assert store.verify().is_clean


def test_sealed_as_it_was() -> None:
    cost = KeyCost(GOLDEN["memory_kib"], GOLDEN["passes"], GOLDEN["lanes"])
    salt = bytes.fromhex(GOLDEN["salt_hex"])
    config = sealed_config(StoreSettings(), DATA_KEY, GOLDEN["passphrase"], cost, salt)
    assert config.hex() == GOLDEN["config_hex"]
    assert KEYS.seal_name(NAME) == GOLDEN["sealed_pack_name"]
    assert seal_object(KEYS, NAME, bytes.fromhex(PACK["pack_hex"])).hex() == GOLDEN["sealed_pack_hex"]
    assert KEYS.cache_id == GOLDEN["cache_id"]
    content = b"".join(b"%08d" % number for number in range(6145))
    sealed = seal_object(KEYS, GOLDEN["long_name"], content)
    assert (len(content), len(sealed)) == (GOLDEN["long_bytes"], GOLDEN["sealed_long_bytes"])
    assert blake3(sealed).hexdigest() == GOLDEN["sealed_long_blake3_hex"]


def test_as_the_documentation_says() -> None:
    """Another implementation, from the page alone."""
    sealed = bytes.fromhex(GOLDEN["sealed_pack_hex"])
    pack = bytes.fromhex(PACK["pack_hex"])
    assert sealed[:4] == b"DWS\x01"
    salts = HKDFExpand(SHA256(), 32, b"dwcp store/1 salts").derive(DATA_KEY)
    salt = blake3(b"%d %b " % (len(NAME), NAME.encode()) + pack, key=salts).digest()
    assert sealed[4:36] == salt
    objects = HKDFExpand(SHA256(), 32, b"dwcp store/1 objects").derive(DATA_KEY)
    key = HKDF(SHA256(), 32, salt, b"dwcp store/1 object " + NAME.encode()).derive(objects)
    assert len(pack) < 16384
    assert AESGCM(key).decrypt(bytes(11) + b"\x01", sealed[36:], None) == pack
    names = HKDFExpand(SHA256(), 64, b"dwcp store/1 names").derive(DATA_KEY)
    digits = AESSIV(names).encrypt(NAME.encode(), None).hex()
    assert GOLDEN["sealed_pack_name"] == f"packs/{digits[:2]}/{digits}"
