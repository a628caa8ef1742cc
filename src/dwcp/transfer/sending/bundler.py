"""The bundler, which encoder threads run: waits for chunks, takes a bundle of them, chooses, encodes."""

import threading
import time
from collections.abc import Callable

from msgspec import Struct

from dwcp.codecs import Buffer
from dwcp.errors import SourceChangedError
from dwcp.transfer.sending.bundling import Forming, share_bytes, target_bytes
from dwcp.transfer.sending.choosing import Chooser
from dwcp.transfer.sending.chunk_queue import ChunkQueue, Taken
from dwcp.transfer.sending.costs import Resources
from dwcp.transfer.sending.counters import Counters
from dwcp.transfer.sending.encoding import Bundle, Encoder
from dwcp.transfer.sending.loading import load
from dwcp.transfer.sending.options import LinkView
from dwcp.transfer.sending.pace import Pace
from dwcp.transfer.sending.part import Part
from dwcp.transfer.sending.references import Basis, Plan, References
from dwcp.transfer.sending.source import Source

__all__ = ["Bundler", "BundlerParts"]

_WAIT_S = 0.01
"""How often it is looked whether what is there has to do."""
_LONGEST_WAIT_S = 0.05
_MOST_DELTA_MBPS = 3000.0
"""For each worker: on a faster link looking for references costs more than it saves."""
_MUCH = 1 << 40


class BundlerParts(Struct, frozen=True):
    """What a bundler works with.

    Attributes:
        source: to read from again.
        queue: where chunks come from.
        references: what deltas are made against.
        chooser: says with which codec.
        encoder: encodes.
        link: the link and the workers.
        pace: is told how encoders and streams keep up with each other.
        counters: are counted up.
        clock: seconds that only go forward.
        forget: a file is not what it was when it was read.
    """

    source: Source
    queue: ChunkQueue
    references: References
    chooser: Chooser
    encoder: Encoder
    link: LinkView
    pace: Pace
    counters: Counters
    clock: Callable[[], float]
    forget: Callable[[bytes], None]


class _Turn(threading.local):
    """What an encoder thread did last.

    Attributes:
        gave_s: when it gave out a bundle; None where it gave none.
        starved: a stream was idle when that bundle was ready.
        busy_s: what it had taken.
        plain_bytes: of it.
    """

    gave_s: float | None = None
    starved: bool = False
    busy_s: float = 0.0
    plain_bytes: int = 0


class Bundler:
    """Makes bundles; `next` is called from several threads at once.

    Args:
        parts: what it works with.
    """

    def __init__(self, parts: BundlerParts) -> None:
        self._parts = parts
        self._turn = _Turn()
        self._counting = threading.Lock()

    def next(self, timeout_s: float) -> Bundle | None:
        """The next bundle; None where there is nothing to send in this time, or ever.

        Raises:
            SourceChangedError: a file is not what was catalogued.
            StorageError: a temporary file cannot be read.
        """
        self._note_pace()
        formed = self._await(time.monotonic() + timeout_s)
        if formed is None:
            self._turn.gave_s = None
            return None
        began_s = self._parts.clock()
        bundle = self._encode(*formed)
        self._turn.starved = self._parts.link.starved()
        self._turn.gave_s = self._parts.clock()
        self._turn.busy_s = self._turn.gave_s - began_s
        self._turn.plain_bytes = 0 if bundle is None else bundle.data.plain_bytes
        return bundle

    def _note_pace(self) -> None:
        """Tell the guard how it went since this thread gave out a bundle, where it did not lack input."""
        gave_s, queue = self._turn.gave_s, self._parts.queue
        if gave_s is None or not queue.has_wanted:
            return
        now, turn = self._parts.clock(), self._turn
        with self._counting:
            self._parts.pace.note(
                now,
                starved=turn.starved,
                plain_bytes=turn.plain_bytes,
                busy_s=turn.busy_s,
                blocked_s=now - gave_s,
            )

    def _await(self, deadline_s: float) -> tuple[Taken, Plan | None] | None:
        """Wait until there is enough for a bundle, or what there is has to do."""
        queue = self._parts.queue
        waiting_s: float | None = None
        while True:
            starved, resources = self._parts.link.starved(), self._parts.chooser.resources()
            now = time.monotonic()
            with queue.changed:
                if queue.is_closed:
                    return None
                if queue.has_wanted:
                    waiting_s = now if waiting_s is None else waiting_s
                    must = starved or queue.is_ended or now - waiting_s >= _LONGEST_WAIT_S
                    size = self._size(resources)
                    if must or queue.wanted_bytes >= size:
                        return self._form(size, resources)
                if now >= deadline_s:
                    return None
                longest_s = deadline_s - now
                queue.changed.wait(min(longest_s, _WAIT_S) if queue.has_wanted else longest_s)

    def _size(self, resources: Resources) -> int:
        counters, queue = self._parts.counters, self._parts.queue
        ratio = counters.stored_bytes / counters.bundled_bytes if counters.bundled_bytes else 1.0
        size = target_bytes(counters.acknowledged_bytes, resources.link_bytes_per_s, ratio)
        if queue.is_ended:
            return share_bytes(size, queue.wanted_bytes, self._parts.link.streams())
        return size

    def _form(self, size: int, resources: Resources) -> tuple[Taken, Plan | None] | None:
        per_worker_mbps = resources.bandwidth_mbps / resources.cpu_workers
        plan_of = self._parts.references.plan if per_worker_mbps <= _MOST_DELTA_MBPS else _no_plan
        chooser = self._parts.chooser
        forming = Forming(size, resources.link_bytes_per_s, plan_of, chooser.is_raw, chooser.is_new)
        taken = self._parts.queue.take(forming.room)
        if taken is None:
            return None
        return taken, None if taken.again else forming.plan

    def _encode(self, taken: Taken, plan: Plan | None) -> Bundle | None:
        parts = self._parts
        try:
            views = load(parts.source, taken.parts)
        except SourceChangedError:
            for path in {part.file.path for part in taken.parts}:
                parts.forget(path)
            if not any(parts.queue.is_retracted(part.first) for part in taken.parts):
                raise
            parts.queue.lost(taken.number)
            return None
        basis = self._basis(plan, taken, views)
        ahead_bytes = parts.queue.wanted_bytes if parts.queue.is_ended else _MUCH
        bundle = parts.encoder.encode(taken, views, basis, ahead_bytes + sum(map(len, views)))
        is_delta = bool(bundle.data.reference) or bundle.data.sketch is not None
        if plan is not None and is_delta:
            parts.queue.set_origin(taken.number, plan.origin)
        self._count(bundle, is_delta=is_delta)
        return bundle

    def _basis(self, plan: Plan | None, taken: Taken, views: list[Buffer]) -> Basis | None:
        if plan is None:
            return None
        if len(views) > 1:
            views[:] = [b"".join(views)]
        return self._parts.references.basis(plan, taken.parts, views[0])

    def _count(self, bundle: Bundle, *, is_delta: bool) -> None:
        counters = self._parts.counters
        with self._counting:
            counters.bundles += 1
            counters.delta_bundles += is_delta
            counters.bundled_bytes += bundle.data.plain_bytes
            counters.stored_bytes += bundle.stored_bytes
            counters.codec = bundle.codec
            counters.codecs[bundle.codec] += bundle.data.plain_bytes


def _no_plan(part: Part) -> None:  # noqa: ARG001
    return None
