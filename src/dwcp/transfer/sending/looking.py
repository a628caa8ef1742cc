"""Looking at a bundle before it is encoded, as deeply as the link affords."""

from collections.abc import Sequence

from dwcp.codecs import Buffer, Reference
from dwcp.codecs.facts import BlockFacts, mean_facts

__all__ = ["Material", "look_at"]

_LOOK_BYTES = 256 * 1024
"""What models know blocks of."""


class Material:
    """A bundle's plaintext, as it lies in memory; one run of bytes only where that is needed."""

    def __init__(self, views: Sequence[Buffer]) -> None:
        self.views = views
        self.plain_bytes = sum(map(len, views))
        self._whole: Buffer | None = views[0] if len(views) == 1 else None

    def whole(self) -> Buffer:
        """All of it as one run of bytes."""
        if self._whole is None:
            self._whole = b"".join(self.views)
        return self._whole


def look_at(
    material: Material, reference: Reference | None, bandwidth_mbps: float, run_bytes: int
) -> BlockFacts | None:
    """Facts of a few pieces of a bundle; None where not even asking pays.

    Args:
        material: the bundle.
        reference: what a delta would be made against.
        bandwidth_mbps: of the link.
        run_bytes: plain bytes that the decision will serve.
    """
    from dwcp.codecs.probe import affordable_look, looked_at, probe_block

    look = affordable_look(bandwidth_mbps, run_bytes)
    if look is None or material.plain_bytes == 0:
        return None
    whole = memoryview(material.whole())
    begins = range(0, len(whole), _LOOK_BYTES)
    places = looked_at(len(begins), look.blocks)
    pieces = [whole[begins[place] : begins[place] + _LOOK_BYTES] for place in places]
    return mean_facts([probe_block(piece, look.depth, reference) for piece in pieces])
