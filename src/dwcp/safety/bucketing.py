"""Which bucket a unit falls in: MurmurHash3 (x86, 32 bits) of seed, feature and unit, over 10,000 buckets.

A unit (a link, a node, a user) always falls in the same bucket of a feature, in every process and on every
machine. The same bucket takes part at 5% and at 25%: whoever is in stays in.

A rollout and an experiment must not share a seed. With one seed the units inside a rollout of 10% are exactly
those of the lowest buckets, and an experiment on them finds all of them in one arm. So there are two types,
each with a seed of its own that nobody sets, and whoever asks for one cannot be handed the other.

Source: A. Appleby, MurmurHash3, ``MurmurHash3_x86_32``; the key is the feature, a zero byte, the unit, in
UTF-8. A bucket is the hash modulo 10,000, which favours a bucket by at most one part in 400,000.
"""

import mmh3

from dwcp.errors import InputError

__all__ = ["BUCKETS", "ExperimentBuckets", "RolloutBuckets", "murmur3"]

BUCKETS = 10_000
"""How many there are: a hundredth of a per cent each."""

_ROLLOUT_SEED = 0x524F4C4C
_EXPERIMENT_SEED = 0x45585045


def murmur3(key: bytes, seed: int) -> int:
    """MurmurHash3, x86, 32 bits, unsigned.

    Args:
        key: what to hash; bytes alone, as mmh3 5.3 ends the process on a text that is not Unicode.
        seed: 32 bits, unsigned.
    """
    return mmh3.mmh3_32_uintdigest(key, seed)


class RolloutBuckets:
    """The buckets of one rollout.

    Args:
        feature: what is rolled out, e.g. ``compression 1.4.0``: another candidate begins with other units.

    Raises:
        InputError: the feature is empty or holds a zero byte.
    """

    __slots__ = ("_prefix",)

    def __init__(self, feature: str) -> None:
        self._prefix = _prefix(feature)

    def of(self, unit: str) -> int:
        """The bucket of a unit, from 0 to 9,999."""
        return murmur3(self._prefix + _utf8(unit), _ROLLOUT_SEED) % BUCKETS


class ExperimentBuckets:
    """The buckets of one experiment.

    Args:
        experiment: its name; another name is another draw.

    Raises:
        InputError: the name is empty or holds a zero byte.
    """

    __slots__ = ("_prefix",)

    def __init__(self, experiment: str) -> None:
        self._prefix = _prefix(experiment)

    def of(self, unit: str) -> int:
        """The bucket of a unit, from 0 to 9,999."""
        return murmur3(self._prefix + _utf8(unit), _EXPERIMENT_SEED) % BUCKETS


def _prefix(feature: str) -> bytes:
    if not feature or "\0" in feature:
        raise InputError(
            f"{feature!r} cannot name a rollout or an experiment: it is empty or has a zero byte"
        )
    return _utf8(feature) + b"\0"


def _utf8(text: str) -> bytes:
    # A file's name need not be Unicode: lone surrogates are taken as they are.
    return text.encode("utf-8", "surrogatepass")
