"""Encoding: from the chunks of a bundle to what goes on the wire."""

import time
from collections.abc import Callable

from msgspec import Struct

from dwcp.codecs import BlockKind, Buffer, Codec, Hierarchy, Reference, codec_named, read_header
from dwcp.tasks.compression.contract import Action
from dwcp.transfer.protocol import Data
from dwcp.transfer.sending.choice import Choice, Timing
from dwcp.transfer.sending.choosing import Chooser
from dwcp.transfer.sending.chunk_queue import Taken
from dwcp.transfer.sending.costs import INCOMPRESSIBLE, NONE
from dwcp.transfer.sending.flows import flow_of
from dwcp.transfer.sending.looking import Material
from dwcp.transfer.sending.references import Basis
from dwcp.transfer.sending.spans import spans_of

__all__ = ["Bundle", "Encoder"]

_DELTA_KINDS = (BlockKind.DELTA, BlockKind.DELTA_WINDOW)
_MOST_VIEWS = 64
"""More runs of bytes are joined: each costs more to send than to copy."""


class Bundle(Struct, frozen=True):
    """A bundle, ready to be sent.

    Attributes:
        data: its header.
        body: what follows the header, in order.
        stored_bytes: of the body.
        codec: that made it, for whoever shows it.
    """

    data: Data
    body: list[Buffer]
    stored_bytes: int
    codec: str


class Encoder:
    """Encodes bundles; from any thread.

    Args:
        chooser: says with what.
        clock: seconds that only go forward.
        told: called with every choice and what came of it: plain bytes, stored bytes, and the time it took.
    """

    def __init__(
        self,
        chooser: Chooser,
        clock: Callable[[], float],
        told: Callable[[Choice, int, int, Timing], None],
    ) -> None:
        self._chooser, self._clock, self._told = chooser, clock, told

    def encode(self, taken: Taken, views: list[Buffer], basis: Basis | None, ahead_bytes: int) -> Bundle:
        """Encode one bundle.

        Args:
            taken: its chunks.
            views: their plaintexts, in order.
            basis: what a delta may be made against.
            ahead_bytes: plain bytes that wait, these among them.
        """
        material = Material(views)
        flow = flow_of(max(taken.parts, key=lambda part: part.plain_bytes).file)
        reference = None if basis is None else Reference.of(basis.plain)
        choice = self._chooser.choose(flow, material, reference, ahead_bytes, self._clock())
        if choice.action == NONE:
            return self._raw(taken, material)
        stored, timing = self._timed(choice.action, material, reference)
        self._chooser.observe(choice, material.plain_bytes, len(stored), timing, self._clock())
        self._told(choice, material.plain_bytes, len(stored), timing)
        if len(stored) >= INCOMPRESSIBLE * material.plain_bytes:
            return self._raw(taken, material)
        is_delta = basis is not None and read_header(stored).kind in _DELTA_KINDS
        data = Data(
            taken.number,
            spans_of(taken.parts),
            material.plain_bytes,
            framed=True,
            reference=basis.ids if basis is not None and is_delta else (),
            sketch=basis.sketch if basis is not None and is_delta else None,
            matched=basis.matched if basis is not None and is_delta else b"",
        )
        return Bundle(
            data, [stored], len(stored), choice.action.name if is_delta else _plain_name(choice.action)
        )

    def _timed(self, action: Action, material: Material, reference: Reference | None) -> tuple[bytes, Timing]:
        plain = material.whole()
        began_s, began_ns = self._clock(), time.thread_time_ns()
        stored = _codec_of(action).encode(plain, reference)
        cpu_ms = (time.thread_time_ns() - began_ns) / 1e6
        return stored, Timing(self._clock() - began_s, cpu_ms)

    def _raw(self, taken: Taken, material: Material) -> Bundle:
        data = Data(taken.number, spans_of(taken.parts), material.plain_bytes, framed=False)
        body = list(material.views) if len(material.views) <= _MOST_VIEWS else [material.whole()]
        return Bundle(data, body, material.plain_bytes, NONE.name)


def _codec_of(action: Action) -> Codec:
    """The codec; a delta is held against plain zstd, and is zstd where that is no larger."""
    return Hierarchy(action.level) if action.use_reference else codec_named(action.name)


def _plain_name(action: Action) -> str:
    return f"zstd-{action.level}" if action.use_reference else action.name
