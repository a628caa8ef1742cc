"""How large bundles are, and which chunks go together.

Large bundles compress better and cost less each; small ones get the link going, keep it from waiting, and do
not commit the sender while it only guesses what the link carries. So the first are small, and later ones grow
with what has arrived, up to what the link takes in about half a second.
"""

from collections.abc import Callable

from msgspec import Struct

from dwcp.transfer.sending.flows import flow_of
from dwcp.transfer.sending.part import Part
from dwcp.transfer.sending.references import Plan

__all__ = ["Forming", "share_bytes", "target_bytes"]

_FIRST_BYTES = 256 * 1024
_LEAST_BYTES, _MOST_BYTES = 256 * 1024, 4 * 1024 * 1024
_LINK_S = 0.5
_DELTA_BYTES = 1024 * 1024
"""A delta's reference is at most two megabytes, so its bundle is no longer than this."""
_NEW_BYTES, _NEW_S = 1024 * 1024, 0.1
"""Of a flow of which nothing is known, and what the link takes in so long: a strong codec, which is for slow
links alone, may turn out to be slow, and must not keep the link waiting."""
_SPLIT_BYTES = 128 * 1024
"""Chunks of another kind go into the same bundle up to here."""


def target_bytes(arrived_bytes: int, link_bytes_per_s: float, ratio: float) -> int:
    """Plain bytes of the next bundle.

    Args:
        arrived_bytes: plain bytes that the receiver has acknowledged.
        link_bytes_per_s: stored bytes that the link takes a second.
        ratio: stored over plain bytes, as expected.
    """
    wanted = int(min(max(link_bytes_per_s * _LINK_S / max(ratio, 0.02), _LEAST_BYTES), _MOST_BYTES))
    return min(max(arrived_bytes, _FIRST_BYTES), wanted)


def share_bytes(size: int, wanted_bytes: int, streams: int) -> int:
    """Plain bytes of a bundle where all that is left is known: less and less, so that no stream ends late.

    Each bundle takes half of a stream's even share (guided self-scheduling: Polychronopoulos and Kuck, 1987).

    Args:
        size: of a bundle otherwise.
        wanted_bytes: plain bytes that wait.
        streams: that carry them.
    """
    return min(size, max(wanted_bytes // (2 * streams), _LEAST_BYTES))


class Forming(Struct):
    """Decides part by part what goes into one bundle.

    Attributes:
        limit_bytes: plain bytes of the bundle.
        link_bytes_per_s: that the link takes.
        plan_of: against what a part may be encoded; None for nothing.
        is_raw: whether a flow goes as it is.
        is_new: whether nothing of a flow was encoded yet.
        plan: of the bundle, from its first part.
    """

    limit_bytes: int
    link_bytes_per_s: float
    plan_of: Callable[[Part], Plan | None]
    is_raw: Callable[[str], bool]
    is_new: Callable[[str], bool]
    plan: Plan | None = None
    _raw: bool = False

    def room(self, parts: list[Part], taken_bytes: int, part: Part) -> int:
        """How many bytes of a part the bundle takes; see `Fits`."""
        plan = self.plan_of(part)
        flow = flow_of(part.file)
        raw = plan is None and self.is_raw(flow)
        if not parts:
            self.plan, self._raw = plan, raw
            if plan is not None:
                self.limit_bytes = min(self.limit_bytes, _DELTA_BYTES)
            elif self.is_new(flow):
                self.limit_bytes = min(self.limit_bytes, max(_NEW_BYTES, int(self.link_bytes_per_s * _NEW_S)))
            return self.limit_bytes
        if not self._goes_along(taken_bytes, plan, raw=raw):
            return 0
        room = self.limit_bytes - taken_bytes
        return room if room >= part.lengths[0] else 0

    def _goes_along(self, taken_bytes: int, plan: Plan | None, *, raw: bool) -> bool:
        if plan is None or self.plan is None:
            return plan is self.plan and (raw == self._raw or taken_bytes < _SPLIT_BYTES)
        return plan.key == self.plan.key
