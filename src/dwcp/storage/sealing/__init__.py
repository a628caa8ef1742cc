"""Encryption at rest: what a passphrase opens, and a backend that seals whatever goes through it.

What needs the library of ciphers is imported where a store is encrypted, and nowhere else.
"""

from dwcp.storage.sealing.cost import DATA_KEY_BYTES, DEFAULT_KEY_COST, KeyCost

__all__ = ["DATA_KEY_BYTES", "DEFAULT_KEY_COST", "KeyCost"]
