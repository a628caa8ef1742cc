"""Everything a sender does with files and codecs, without sockets."""

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dwcp.codecs import codec_families
from dwcp.errors import SourceChangedError
from dwcp.serving import Advisor
from dwcp.transfer.protocol import Accept, Catalogue, Chunks, Listing, Offer, Root, Want
from dwcp.transfer.sending.batch import Batch
from dwcp.transfer.sending.bundler import Bundler, BundlerParts
from dwcp.transfer.sending.choice import Choice, Timing
from dwcp.transfer.sending.choosing import Chooser, action_of, allowed_by
from dwcp.transfer.sending.chunk_queue import BUDGET_BYTES, ChunkQueue
from dwcp.transfer.sending.counters import Counters
from dwcp.transfer.sending.encoding import Bundle, Encoder
from dwcp.transfer.sending.file_reading import Reading
from dwcp.transfer.sending.ledger import Ledger
from dwcp.transfer.sending.listings import Listings
from dwcp.transfer.sending.options import LinkView, SendingOptions
from dwcp.transfer.sending.pace import Pace
from dwcp.transfer.sending.reading import Reader
from dwcp.transfer.sending.recording import BundleRecorder
from dwcp.transfer.sending.references import References
from dwcp.transfer.sending.scan_cache import ScanCache
from dwcp.transfer.sending.siblings import Siblings
from dwcp.transfer.sending.source import Source
from dwcp.transfer.sending.unasked import Unasked

if TYPE_CHECKING:
    from dwcp.telemetry import RecordTaker

__all__ = ["Outgoing"]


class Outgoing:
    """One session of a sender.

    One thread runs `batches`, encoder threads call `next_bundle`, and what the receiver says is told from any
    thread. What is remembered is on disk or bounded: memory does not grow with the source.

    Attributes:
        counters: what was done so far.
    """

    def __init__(
        self,
        source: Path,
        options: SendingOptions,
        *,
        advisor: Advisor | None,
        link: LinkView,
        recorder: "RecordTaker | None",
        clock: Callable[[], float] = time.monotonic,
        now_ns: Callable[[], int] = time.time_ns,
        budget_bytes: int = BUDGET_BYTES,
    ) -> None:
        """Look at the source; nothing is read yet.

        Args:
            source: a file, a directory or a symbolic link.
            options: how it is sent.
            advisor: gives hints for codecs; None for the rule alone.
            link: what is known of the link.
            recorder: takes telemetry; None for none.
            clock: seconds that only go forward.
            now_ns: nanoseconds since 1970, to compare with files' times.
            budget_bytes: plaintext that is kept at most.

        Raises:
            InputError: the source is missing or of a kind that is never sent.
            StorageError: no temporary file can be made.
        """
        self._options, self._advisor, self._link, self._recorder = options, advisor, link, recorder
        self._clock, self._now_ns = clock, now_ns
        self.counters = Counters()
        with contextlib.ExitStack() as opened:
            self._source = Source(source)
            opened.callback(self._source.close)
            self._ledger = Ledger()
            opened.callback(self._ledger.close)
            self._cache = self._opened_cache()
            if self._cache is not None:
                opened.callback(self._cache.close)
            self._opened = opened.pop_all()
        self._queue = ChunkQueue(self._ledger, budget_bytes)
        self._siblings = Siblings()
        self._references = References(
            self._source, self._ledger, self._queue, self._siblings, options.references, options.chunking
        )
        self._unasked: Unasked | None = None
        self._has_listing = False
        self._changed: str | None = None
        self._bundler = self._new_bundler(family.name for family in codec_families())

    def offer(self) -> Offer:
        """What is sent, for the receiver."""
        options, chunking = self._options, self._options.chunking
        told = self._source.stat
        return Offer(
            self._source.name,
            options.mode,
            options.delete,
            options.checksum,
            (chunking.min_bytes, chunking.avg_bytes, chunking.max_bytes),
            options.resume_key or self._source.resume_key(),
            min(told.st_size, 512 * told.st_blocks) if stat.S_ISREG(told.st_mode) else None,
        )

    def accepted(self, accept: Accept, codecs: Iterable[str] | None = None) -> None:
        """The receiver takes the offer; called once, before everything else.

        Args:
            accept: its answer.
            codecs: names that it gave in its HELLO; None where it takes all.

        Raises:
            InputError: it does not understand the codec of the options.
        """
        if codecs is not None:
            self._bundler = self._new_bundler(codecs)
        if accept.has_nothing:
            self._unasked = Unasked(self._queue, self._ledger, self.counters)
        quick = self._options.mode == "sync" and not self._options.checksum
        self._has_listing = quick and accept.has_listing

    def batches(self, next_listing: Callable[[], Listing]) -> Iterator[Catalogue | Root]:
        """Read the source: the catalogue, a batch at a time, and the root in the end. Each is sent at once.

        Waits where too much is read that is not sent yet; ends early after `stop`.

        Args:
            next_listing: gives the next page of what lies at the destination.

        Raises:
            InputError: something cannot be read that would then be deleted at the receiver.
            SourceChangedError: the same of a file that changes all the time.
            StorageError: there is no room for temporary files.
            ProtocolError: the receiver's listing is wrong.
        """
        reading = Reading(
            self._options.chunking,
            self._ledger,
            self._queue,
            self._siblings,
            self.counters,
            self._cache,
            self._unasked,
            self._now_ns,
        )
        listings = Listings(next_listing) if self._has_listing else None
        reader = Reader(self._source, reading, listings, deletes=self._options.delete)
        batch, named = Batch(), 0
        for record in reader.records():
            if self._queue.is_closed:
                return
            if isinstance(record, Chunks):
                named += len(record.lengths)
            if record is not None and not batch.add(record, self._clock()):
                continue
            if batch:
                yield batch.take()
                self._publish(named)
            if record is None:
                self._queue.await_room()
        if batch:
            yield batch.take()
            self._publish(named)
        self._queue.end()
        yield reader.root()

    def take_want(self, want: Want) -> None:
        """The receiver says what it lacks.

        Raises:
            ProtocolError: numbers that were not given, or the same chunks again and again.
        """
        self._references.take_sketches(want.sketches)
        again = self._queue.want(want.upto, want.missing)
        for origin in self._queue.take_origins(again):
            self._references.refused(origin)

    def take_ack(self, bundle_numbers: Iterable[int]) -> None:
        """Bundles arrived.

        Raises:
            ProtocolError: there never was such a bundle.
        """
        for number in bundle_numbers:
            flight = self._queue.acknowledged(number)
            if flight is not None:
                self.counters.acknowledged_bytes += flight.plain_bytes
                if flight.origin is not None:
                    self._references.accepted(flight.origin)

    def lost(self, bundle_numbers: Iterable[int]) -> None:
        """Bundles did not arrive: their chunks go again, first of all."""
        for number in bundle_numbers:
            self._queue.lost(number)

    def next_bundle(self, timeout_s: float) -> Bundle | None:
        """The next bundle, encoded; None where there was nothing to send in this time, or nothing will be.

        Raises:
            SourceChangedError: a file is not what was catalogued: see `changed`.
            StorageError: a temporary file cannot be read.
        """
        try:
            return self._bundler.next(timeout_s)
        except SourceChangedError as error:
            self._changed = str(error)
            raise

    @property
    def changed(self) -> str | None:
        """What changed after it was catalogued, in a sentence; None where nothing did."""
        return self._changed

    @property
    def is_done(self) -> bool:
        """Whether all that was wanted has arrived; something may still prove wrong."""
        return self._queue.is_done

    @property
    def is_ending(self) -> bool:
        """Whether everything was read, and all of it is with encoders and streams."""
        return self._queue.is_ended and not self._queue.has_wanted

    @property
    def done_bytes(self) -> int:
        """Plain bytes that the receiver has, or needs no sending of."""
        return self._queue.settled_bytes() + self.counters.unsent_bytes

    @property
    def total_bytes(self) -> int | None:
        """Plain bytes of the source; None while that is not known."""
        told = self._source.stat
        if self._queue.is_catalogued:
            return self.counters.plain_bytes
        return told.st_size if stat.S_ISREG(told.st_mode) else None

    def stop(self) -> None:
        """Let every thread go; from any thread."""
        self._queue.close()

    def close(self) -> None:
        """Give back files; after all threads have left. More than once does nothing."""
        self.stop()
        self._queue.forget()
        self._opened.close()

    def _publish(self, named: int) -> None:
        """The receiver will know of so many chunks before any of them comes."""
        if self._unasked is not None:
            self._unasked.publish(named)

    def _opened_cache(self) -> ScanCache | None:
        path = self._options.scan_cache
        if path is None:
            return None
        about = self._source.shown(self._source.name)
        return ScanCache(path, os.fsencode(about).hex(), self._options.chunking)

    def _new_bundler(self, codecs: Iterable[str]) -> Bundler:
        options, link = self._options, self._link
        fixed = None if options.codec is None else action_of(options.codec)
        pace = Pace(self._clock())
        allowed = allowed_by(frozenset(codecs))
        chooser = Chooser(
            allowed, link, pace, self._advisor, fixed, options.speed, hints_after_s=options.hints_after_s
        )
        encoder = Encoder(chooser, self._clock, self._teller())
        return Bundler(
            BundlerParts(
                self._source,
                self._queue,
                self._references,
                chooser,
                encoder,
                link,
                pace,
                self.counters,
                self._clock,
                self._forget,
            )
        )

    def _forget(self, path: bytes) -> None:
        if self._cache is not None:
            self._cache.forget(path)

    def _teller(self) -> Callable[[Choice, int, int, Timing], None]:
        options = self._options
        if self._recorder is None or not options.node_id:
            return lambda *_: None
        return BundleRecorder(
            self._recorder, options.node_id, options.peer_id, self._link.link, self._now_ns
        ).record
