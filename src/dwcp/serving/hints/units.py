"""Ranges that fields of a unit may be in, wherever they stand."""

from dwcp.serving.hints.shapes import Amount, Count, Flag
from dwcp.serving.hints.strings import Text

__all__ = [
    "ANY",
    "BYTES",
    "COUNT",
    "EPOCH_S",
    "FLAG",
    "MBPS",
    "MS",
    "NAME",
    "NUMBER",
    "SECONDS",
    "SHARE",
    "TEXT",
]

SHARE = Amount(0.0, 1.0)
MBPS = Amount(0.0, 1e8)
MS = Amount(0.0, 1e9)
SECONDS = Amount(0.0, 1e9)
EPOCH_S = Amount(0.0, float(2**40))
NUMBER = Amount(0.0, 1e9)
ANY = Amount(-1e12, 1e12)
BYTES = Count(0, 2**53)
COUNT = Count(0, 2**31 - 1)
FLAG = Flag()
NAME = Text(1, 256)
TEXT = Text(0, 256)
