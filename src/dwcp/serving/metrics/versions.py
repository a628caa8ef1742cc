"""Versions as label values: few, however many models come and go."""

from collections.abc import Iterable, Mapping

from dwcp.serving._slot import ONLINE
from dwcp.serving.counts import HintKey

__all__ = ["NO_VERSION", "OTHER", "VersionFold"]

NO_VERSION = "none"
"""Label where no model answered or would have."""
OTHER = "other"
"""Label of all versions that have none of their own."""


class VersionFold:
    """Counts with few versions: the newest of each task and those in service; the others are one.

    What a version had counted when it lost its label is left out of `OTHER`, so no rate jumps there.

    Args:
        most: versions of a task that have a label of their own besides those in service.
    """

    def __init__(self, most: int = 8) -> None:
        self._most = most
        self._left: dict[HintKey, int] = {}

    def fold(
        self, counts: Mapping[HintKey, int], serving: Mapping[str, Iterable[str]]
    ) -> Mapping[HintKey, int]:
        """The counts under their labels.

        Args:
            counts: how many hints were given.
            serving: by task, the versions that are loaded.
        """
        kept = self._kept(counts, serving)
        folded: dict[HintKey, int] = {}
        for key, count in counts.items():
            if key.version in kept[key.task]:
                self._left.pop(key, None)
                label, counted = key.version or NO_VERSION, count
            else:
                label, counted = OTHER, count - self._left.setdefault(key, count)
            named = key._replace(version=label)
            folded[named] = folded.get(named, 0) + counted
        return folded

    def _kept(
        self, counts: Mapping[HintKey, int], serving: Mapping[str, Iterable[str]]
    ) -> Mapping[str, frozenset[str]]:
        seen: dict[str, set[str]] = {}
        for key in counts:
            seen.setdefault(key.task, set()).add(key.version)
        return {
            task: frozenset((*sorted(versions, key=_age)[-self._most :], *serving.get(task, ()), "", ONLINE))
            for task, versions in seen.items()
        }


def _age(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()
