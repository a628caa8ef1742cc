"""Codecs by name: what a setting, a flag or a chosen action says."""

import re
from collections.abc import Callable

from msgspec import Struct

from dwcp.codecs.codec import Codec
from dwcp.codecs.delta import Delta
from dwcp.codecs.lz4 import HC_LEVELS, Lz4, Lz4Hc
from dwcp.codecs.none import Uncompressed
from dwcp.codecs.snappy import Snappy
from dwcp.codecs.zstd import ZSTD_LEVELS, Zstd
from dwcp.errors import InputError

__all__ = ["CodecFamily", "codec_families", "codec_named"]


_LEVEL = re.compile("0|-?[1-9][0-9]{0,5}")
"""A level as a codec's own name writes it: no sign, zero or space more than needed."""


class CodecFamily(Struct, frozen=True):
    """A codec and the levels it has.

    Attributes:
        name: the name, before the level.
        levels: the levels, empty where there are none.
        meaning: one line for a listing.
        build: makes the codec; takes the level where there are levels.
    """

    name: str
    levels: range
    meaning: str
    build: Callable[..., Codec]

    @property
    def pattern(self) -> str:
        """How its names look, e.g. ``lz4hc-1..12``."""
        return f"{self.name}-{self.levels[0]}..{self.levels[-1]}" if self.levels else self.name


def codec_families() -> tuple[CodecFamily, ...]:
    """Every codec that has a name."""
    no_levels = range(0)
    return (
        CodecFamily("none", no_levels, "the block as it is", Uncompressed),
        CodecFamily("lz4", no_levels, "LZ4 block, fast", Lz4),
        CodecFamily("lz4hc", HC_LEVELS, "LZ4 block, high compression", Lz4Hc),
        CodecFamily("snappy", no_levels, "snappy, raw", Snappy),
        CodecFamily("zstd", ZSTD_LEVELS, "zstd, plain", Zstd),
        CodecFamily("delta", ZSTD_LEVELS, "zstd against a reference, long-distance matching", Delta),
    )


def codec_named(name: str) -> Codec:
    """The codec with this name, e.g. ``none``, ``lz4hc-9``, ``zstd--5`` (level -5), ``delta-3``.

    Every name that is accepted is the name of the codec it gives.

    Raises:
        InputError: no such codec, or no such level of it.
    """
    families = {family.name: family for family in codec_families()}
    stem, _, level = name.partition("-")
    family = families.get(stem)
    if family is None:
        known = ", ".join(family.pattern for family in families.values())
        raise InputError(f"there is no codec {name!r}; there are {known}")
    if name == family.name and not family.levels:
        return family.build()
    if not _LEVEL.fullmatch(level) or int(level) not in family.levels:
        raise InputError(f"there is no codec {name!r}; of {stem} there is {family.pattern}")
    return family.build(int(level))
