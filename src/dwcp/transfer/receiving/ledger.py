"""The state of every chunk and file of a session, in a byte or two each, shared by all threads.

::

    MISSING ──data came──► ARRIVING ──written──► VERIFIED
       ▲                    ▲    │
       │     copied or found│    │ wrong, or not there
       │                    │    ▼
       └────── LOCAL, REPEAT ◄── MISSING, and asked for again

The lock is held for bookkeeping alone: never while something is decoded, hashed, read or written.
"""

from array import array
from collections.abc import Iterable, Sequence
from threading import Condition, Lock
from typing import Final

from dwcp.errors import DwcpError, ProtocolError
from dwcp.transfer.protocol import Span
from dwcp.transfer.receiving.batch import Batch, Run
from dwcp.transfer.receiving.entries import Flag
from dwcp.transfer.receiving.progress import Progress

__all__ = ["ARRIVING", "LOCAL", "MISSING", "REPEAT", "VERIFIED", "Ledger"]

MISSING: Final = 1
"""It has to come over the network."""
LOCAL: Final = 2
"""It should lie somewhere at the destination already."""
REPEAT: Final = 3
"""An earlier chunk of the session is the same; it is copied once that one is verified."""
ARRIVING: Final = 4
"""Some thread has it in its hands."""
VERIFIED: Final = 5
"""Its file has it."""
_MAX_TIMES_WRONG = 5


class Ledger:
    """See the module. Every method may be called from any thread, and raises what `fail` was told."""

    def __init__(self) -> None:
        """Begin a session."""
        self.progress = Progress()
        self.bytes_to_write = 0
        self.bytes_written = 0
        self._states = bytearray()
        self._flags = bytearray()
        self._outstanding = array("q")
        self._unfinished = 0
        self._all_announced = False
        self._times_wrong = bytearray()
        self._failure: DwcpError | None = None
        self._cursors = {LOCAL: 0, REPEAT: 0}
        self._has_work = False
        self._repeats = False
        self._lock = Lock()
        self._known = Condition(self._lock)
        self._work = Condition(self._lock)
        self._done = Condition(self._lock)

    @property
    def known(self) -> int:
        """How many chunks the catalogue has named."""
        return len(self._states)

    def state(self, number: int) -> int:
        """The state of a chunk."""
        return self._states[number]

    def states(self, first: int, count: int) -> bytes:
        """The states of chunks, one byte each."""
        return bytes(self._states[first : first + count])

    def flags(self, entry: int) -> int:
        """What is known of an entry."""
        return self._flags[entry]

    def fail(self, failure: DwcpError) -> None:
        """End the session; the first failure is the one that everybody is told."""
        with self._lock:
            self._failure = self._failure or failure
            for condition in (self._known, self._work, self._done):
                condition.notify_all()

    def check(self) -> None:
        """Raise what the session failed with, if it did."""
        if self._failure is not None:
            raise self._failure

    def announce(self, batch: Batch) -> list[int]:
        """Add a batch of the catalogue.

        Returns:
            Entries of the files that are complete with it.
        """
        with self._lock:
            self.check()
            first = len(self._flags)
            self._states += batch.states
            self._flags += batch.flags
            self._outstanding += batch.outstanding
            self._unfinished += batch.begun
            self.bytes_to_write += batch.bytes_to_write
            for begin, count, state in batch.settled:
                self._states[begin : begin + count] = bytes((state,)) * count
                self._cursors[LOCAL] = min(self._cursors[LOCAL], begin)
            complete = [e for e in range(first, len(self._flags)) if self._is_complete(e)]
            complete += [entry for entry, flags, more in batch.changes if self._change(entry, flags, more)]
            self._repeats = self._repeats or REPEAT in batch.states
            self._wake(REPEAT in batch.states or LOCAL in batch.states or bool(batch.changes))
            self._known.notify_all()
            return complete

    def all_announced(self) -> None:
        """Say that the catalogue is complete."""
        with self._lock:
            self.check()
            self._all_announced = True
            self._wake(True)
            self._done.notify_all()

    def claim(self, spans: Iterable[Span]) -> list[bytes]:
        """Take chunks in hand that are missing.

        Returns:
            For each span the states before, one byte a chunk; MISSING and REPEAT are this thread's now.
        """
        with self._lock:
            self.check()
            before = []
            for first, count in spans:
                states = bytes(self._states[first : first + count])
                self._states[first : first + count] = states.translate(_CLAIMED)
                before.append(states)
            return before

    def claim_local(self, numbers: Sequence[int], state: int) -> bool:
        """Take chunks in hand that should lie here; False where another thread was faster."""
        with self._lock:
            self.check()
            if any(self._states[number] != state for number in numbers):
                return False
            for number in numbers:
                self._states[number] = ARRIVING
            return True

    def verified(self, runs: Sequence[Run], from_network: bool) -> list[int]:
        """Say that chunks lie in their files.

        Returns:
            Entries of the files that are complete with them.
        """
        with self._lock:
            complete = []
            for run in runs:
                self._states[run.first : run.first + run.count] = _VERIFIED * run.count
                self._outstanding[run.entry] -= run.count
                if not self._outstanding[run.entry] and self._is_complete(run.entry):
                    complete.append(run.entry)
                if from_network:
                    self.progress.bytes_received += run.length_bytes
                else:
                    self.progress.bytes_local += run.length_bytes
            self._wake(self._repeats)
            return complete

    def written(self, length_bytes: int) -> None:
        """Say that so much of what was to be written is."""
        with self._lock:
            self.bytes_to_write -= length_bytes
            self.bytes_written += length_bytes

    def finished(self, files: int, kept: int = 0) -> None:
        """Say that so many files are complete, some of them as they lay."""
        with self._lock:
            self._unfinished -= files
            self.progress.files_done += files
            self.progress.files_kept += kept
            if self._is_done():
                self._done.notify_all()

    def kept(self) -> None:
        """Say that a file of a `Keep` record is as it should be."""
        self.progress.files_done += 1
        self.progress.files_kept += 1

    def wrong(self, numbers: Iterable[int], from_network: bool) -> None:
        """Say that chunks in hand are not what they should be.

        Raises:
            ProtocolError: one of them was wrong too often.
        """
        with self._lock:
            self._times_wrong += bytes(len(self._states) - len(self._times_wrong))
            for number in numbers:
                self._states[number] = MISSING
                self.progress.chunks_wrong += 1
                if not from_network:
                    continue
                self._times_wrong[number] += 1
                if self._times_wrong[number] >= _MAX_TIMES_WRONG:
                    raise ProtocolError(
                        f"the sender keeps sending wrong bytes for chunk {number}: check its memory and disk"
                    )

    def drop(self, number: int) -> None:
        """Say that a chunk in hand is not needed, unless it comes by itself."""
        with self._lock:
            self._states[number] = MISSING

    def demote(self, entry: int, first: int, count: int) -> None:
        """Say that a kept file cannot stay as it lies: it is written anew, from what there is right."""
        with self._lock:
            states = self._states[first : first + count]
            self._states[first : first + count] = states.translate(_LOCAL_AGAIN)
            self._outstanding[entry] += states.count(VERIFIED)
            self._flags[entry] = self._flags[entry] & ~Flag.KEPT | Flag.FROM_OLD
            self._cursors[LOCAL] = min(self._cursors[LOCAL], first)

    def next_of(self, state: int) -> int:
        """The first chunk from the cursor on that is in this state; -1 where there is none."""
        with self._lock:
            self.check()
            found = self._states.find(state, self._cursors[state])
            self._cursors[state] = len(self._states) if found < 0 else found
            return found

    def wait_for_work(self) -> None:
        """Wait until a chunk may have become one that can be copied."""
        with self._lock:
            while not self._has_work:
                self.check()
                self._work.wait()
            self.check()
            self._has_work = False

    def wait_known(self, upto: int, timeout_s: float) -> bool:
        """Wait until the catalogue has named so many chunks; False where it does not in time."""
        with self._lock:
            self._known.wait_for(lambda: self._failure is not None or self.known >= upto, timeout_s)
            self.check()
            return self.known >= upto

    def wait_complete(self, timeout_s: float) -> bool:
        """Wait until every file is complete; False where they are not in time."""
        with self._lock:
            self._done.wait_for(lambda: self._failure is not None or self._is_done(), timeout_s)
            self.check()
            return self._is_done()

    @property
    def is_complete(self) -> bool:
        """Whether every file of the whole catalogue is complete."""
        with self._lock:
            return self._is_done()

    def _is_done(self) -> bool:
        return self._all_announced and not self._unfinished

    def _is_complete(self, entry: int) -> bool:
        flags = self._flags[entry]
        return bool(flags & Flag.ENDED and not flags & Flag.RETRACTED and not self._outstanding[entry])

    def _change(self, entry: int, flags: int, more: int) -> bool:
        self._flags[entry] = flags
        self._outstanding[entry] += more
        if flags & Flag.RETRACTED:
            self._unfinished -= 1
        return self._is_complete(entry)

    def _wake(self, has_work: bool) -> None:
        if has_work:
            self._has_work = True
            self._work.notify_all()


_VERIFIED: Final = bytes((VERIFIED,))
_CLAIMED: Final = bytes.maketrans(bytes((MISSING, REPEAT)), bytes((ARRIVING, ARRIVING)))
_LOCAL_AGAIN: Final = bytes.maketrans(bytes((VERIFIED,)), bytes((LOCAL,)))
