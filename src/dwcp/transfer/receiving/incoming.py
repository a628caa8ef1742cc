"""One session at the receiver: everything it does with files, and no sockets."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Condition

from dwcp.errors import DwcpError, ProtocolError, StorageError, TransferError
from dwcp.transfer.protocol import Data, Done, Listing, Offer, Record, Root, Span, Want
from dwcp.transfer.receiving.announcing import Announcer
from dwcp.transfer.receiving.bundles import Bundles
from dwcp.transfer.receiving.commit import carry_out
from dwcp.transfer.receiving.copier import Copier
from dwcp.transfer.receiving.disk import Disk, storage_error
from dwcp.transfer.receiving.entries import Flag
from dwcp.transfer.receiving.ledger import REPEAT, VERIFIED, Ledger
from dwcp.transfer.receiving.listing import Lister
from dwcp.transfer.receiving.locating import Locator
from dwcp.transfer.receiving.old_versions import OldVersions
from dwcp.transfer.receiving.options import ReceivingOptions
from dwcp.transfer.receiving.places import Place, Places
from dwcp.transfer.receiving.plan import Plan
from dwcp.transfer.receiving.progress import Progress
from dwcp.transfer.receiving.references import ReferenceShelf
from dwcp.transfer.receiving.seen import Seen
from dwcp.transfer.receiving.session_log import SessionFacts
from dwcp.transfer.receiving.sketches import Sketches
from dwcp.transfer.receiving.staged import StagedFiles
from dwcp.transfer.receiving.staged_index import StagedIndex
from dwcp.transfer.receiving.staging_area import StagingArea
from dwcp.transfer.receiving.staging_folder import StagingFolder
from dwcp.transfer.receiving.state_folder import StateFolder
from dwcp.transfer.receiving.wants import Wants
from dwcp.transfer.receiving.writer import Writer

__all__ = ["Incoming"]

_PAGE = 4096


class Incoming:
    """Takes the sender's catalogue and data, and puts the whole in place when it is complete and verified.

    `take_records`, `root` and `commit` belong to one thread, in order; all else may be called from any
    thread. The first error ends the session: everybody is told of it, and what was verified stays for the
    next attempt.
    """

    def __init__(
        self,
        state: StateFolder,
        folder: StagingFolder,
        left: StagedIndex | None,
        facts: SessionFacts,
        offer: Offer,
        on_want: Callable[[Want], None],
        options: ReceivingOptions,
        disk: Disk,
        reused: bool,
    ) -> None:
        """Begin; see `Destination.begin`."""
        has_index = not state.index.is_empty()
        has_blocks = options.blocks is not None
        self.has_nothing = facts.is_new and not (has_index or has_blocks or reused or left is not None)
        self.has_listing = not facts.is_new and not offer.checksum and has_index
        self._state, self._folder, self._left = state, folder, left
        self._options, self._disk = options, disk
        self._log = log = folder.begin(facts)
        self._ledger = ledger = Ledger()
        self._files = StagedFiles(folder.tree, state.trash, disk, reused)
        self._places = places = Places(
            log, ledger, self._files, state.destination, state.index, left, options.blocks
        )
        seen = Seen(lambda number: log.chunks.read(number, 1)[0].id)
        self._wants = Wants(on_want)
        writer = Writer(log, self._files, ledger, disk)
        sketches = Sketches(self._read_old, self._is_verified)
        locator = Locator(log, ledger, seen, places, self.has_nothing)
        announcer = Announcer(log, ledger, locator, places, sketches, self._wants, writer, self.has_nothing)
        old_versions = (
            None
            if facts.is_new
            else OldVersions(facts.name, state.destination, state.index, facts.cutting, places.trust)
        )
        area = StagingArea(self._files, state.trash, state.destination, disk, facts.is_new)
        self._plan = Plan(log, ledger, locator, announcer, old_versions, area)
        shelf = ReferenceShelf(log, ledger, seen, places, sketches)
        self._bundles = Bundles(log, ledger, shelf, writer, self._wants)
        self._lister = Lister(facts.name, state.index, state.destination, facts.cutting)
        self._copier = Copier(log, ledger, places, writer, self._wants)
        self._root: Root | None = None
        self._users = 0
        self._is_over = False
        self._unused = Condition()
        self._copier.start()

    @property
    def is_over(self) -> bool:
        """Whether the session has ended, in whatever way."""
        return self._is_over

    @property
    def progress(self) -> Progress:
        """How far it is; read it from any thread."""
        return self._ledger.progress

    @property
    def is_complete(self) -> bool:
        """Whether everything the catalogue names is verified and staged, so that `commit` may be called."""
        return self._ledger.is_complete

    @property
    def special_dropped(self) -> int:
        """How many files and directories have set-user-id, set-group-id or sticky bits that are not kept."""
        return self._plan.special_dropped

    def listing(self, count: int) -> Listing:
        """The next entries of what lies at the destination, in walk order.

        Args:
            count: at most so many.

        Raises:
            StorageError: it cannot be read.
            TransferError: the session has ended.
        """
        with self._using():
            return self._lister.listing(count)

    def take_records(self, records: Sequence[Record]) -> None:
        """Take the next records of the catalogue. What is missing goes out through ``on_want``.

        Raises:
            ProtocolError: they are out of turn, or say what cannot be.
            TransferRefusedError: they are not safe to take.
            StorageError: the disk is full or fails.
            TransferError: the session has ended.
        """
        with self._using():
            if self._root is not None:
                raise ProtocolError("the catalogue goes on after its root")
            self._plan.take(records)

    def wait_known(self, upto: int, timeout_s: float) -> None:
        """Wait until the catalogue has named all chunks below a number.

        Raises:
            ProtocolError: it does not in time.
            TransferError: the session has ended.
        """
        if not self._ledger.wait_known(upto, timeout_s):
            raise ProtocolError(
                f"a bundle names chunk {upto - 1}, and the catalogue did not in {timeout_s:g} s"
            )

    def take_bundle(self, data: Data, body: memoryview) -> int:
        """Take a bundle, all of whose chunks are named (`wait_known`).

        Returns:
            Plain bytes newly verified and written. What is wrong went out through ``on_want``.

        Raises:
            ProtocolError: it does not fit the catalogue, or a chunk was wrong too often.
            StorageError: the disk is full or fails.
            TransferError: the session has ended.
        """
        with self._using():
            return self._bundles.take(data, body)

    def root(self, root: Root) -> None:
        """Take the end of the catalogue.

        Raises:
            ProtocolError: it is not over, or the sender came to something else.
            StorageError: the disk fails.
            TransferError: the session has ended.
        """
        with self._using():
            if self._root is not None:
                raise ProtocolError("the catalogue has a second root")
            self._plan.finish(root)
            self._root = root
            if self._plan.retracted:
                self._ask_for_orphans()
            self._ledger.all_announced()

    def wait_complete(self, timeout_s: float) -> bool:
        """Wait until `is_complete`; False where it is not in time.

        Raises:
            TransferError: the session has ended.
        """
        return self._ledger.wait_complete(timeout_s)

    def commit(self) -> Done:
        """Put everything in place. Call `Destination.settle` once the sender was told.

        Raises:
            TransferError: it is not complete, or has ended.
            TransferRefusedError: the root's place is not free any more.
            StorageError: the disk is full or fails; opening the destination again goes on.
        """
        self._ledger.check()
        if self._root is None or not self._ledger.is_complete:
            raise TransferError("the session is not complete, so that nothing can be put in place yet")
        if self._plan.retracted or self._files.reused:
            self._log.require_pruning()
        self._end(TransferError("the session is over"))
        try:
            deleted = carry_out(self._log, self._folder.tree, self._state, self._disk, self._options.durable)
        except OSError as error:
            raise self._error(error) from error
        finally:
            self._close()
        progress = self._ledger.progress
        return Done(
            content=self._root.content,
            files_written=progress.files_done - progress.files_kept,
            files_kept=progress.files_kept,
            files_deleted=deleted,
            bytes_written=self._ledger.bytes_written,
        )

    def stop(self, error: DwcpError | None) -> None:
        """End the session so that it may be resumed; once it is over, nothing happens.

        Args:
            error: what everybody else who uses it is to be told; None for that it was stopped.
        """
        if not self._is_over:
            self._end(error or TransferError("the session was stopped; run it again to resume it"))
            self._close()

    def _end(self, error: DwcpError) -> None:
        """Have everybody leave."""
        self._is_over = True
        self._ledger.fail(error)
        self._copier.join()
        with self._unused:
            self._unused.wait_for(lambda: not self._users)

    def _close(self) -> None:
        self._files.close()
        self._places.close()
        self._log.close()
        if self._left is not None:
            self._left.close()
        self._folder.close()

    @contextmanager
    def _using(self) -> Iterator[None]:
        """While the context lasts the session's files stay open; an error in it ends the session."""
        with self._unused:
            self._ledger.check()
            self._users += 1
        try:
            yield
        except OSError as error:
            failure = self._error(error)
            self._ledger.fail(failure)
            raise failure from error
        except DwcpError as error:
            self._ledger.fail(error)
            raise
        finally:
            with self._unused:
                self._users -= 1
                self._unused.notify_all()

    def _ask_for_orphans(self) -> None:
        """Ask for repeats of chunks that will not come, since their file was taken back."""
        orphans: list[int] = []
        for first in range(0, self._ledger.known, _PAGE):
            states = self._ledger.states(first, _PAGE)
            if REPEAT not in states:
                continue
            rows = self._log.chunks.read(first, _PAGE)
            orphans += [
                number
                for number, (state, row) in enumerate(zip(states, rows, strict=True), first)
                if state == REPEAT and not self._is_retracted(row.entry) and self._is_orphan(number)
            ]
        claimed = [number for number in orphans if self._ledger.claim_local((number,), REPEAT)]
        self._ledger.wrong(claimed, from_network=False)
        self._wants.again(claimed)

    def _is_orphan(self, number: int) -> bool:
        """Whether a chunk will not come: that of a file that was taken back, or a repeat of one."""
        (row,) = self._log.chunks.read(number, 1)
        while self._ledger.state(number) == REPEAT:
            number = row.source_at
            (row,) = self._log.chunks.read(number, 1)
        return self._ledger.state(number) != VERIFIED and self._is_retracted(row.entry)

    def _is_retracted(self, entry: int) -> bool:
        return bool(self._ledger.flags(entry) & Flag.RETRACTED)

    def _is_verified(self, span: Span) -> bool:
        first, count = span
        return self._ledger.states(first, count).count(VERIFIED) == count

    def _read_old(self, path: bytes, at: int, length: int) -> bytes:
        return self._places.read(Place(False, path, at), length)

    def _error(self, error: OSError) -> StorageError:
        return storage_error(error, str(self._state.path.parent), self._state.destination.root_fd)
