"""Sending: one call for all of it, also when connections are cut and sources change.

A cut connection is made again, and the new session goes on with what is verified at the receiver. So does
the same call made later.
"""

import hashlib
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dwcp.errors import ConnectionLostError, InputError, SourceChangedError
from dwcp.transfer.amst import PathMemory
from dwcp.transfer.endpoints.call import Call
from dwcp.transfer.endpoints.connect import Address
from dwcp.transfer.endpoints.doors import doors, in_order
from dwcp.transfer.endpoints.limits import SenderLimits
from dwcp.transfer.endpoints.pilot import Pilot
from dwcp.transfer.endpoints.progress import Progress, Retry, SendResult
from dwcp.transfer.endpoints.sender import SenderSession
from dwcp.transfer.options import Environment, SendOptions
from dwcp.transfer.protocol import Done
from dwcp.transfer.security import KeyFolder, SenderSecurity, default_key_folder
from dwcp.transfer.source_size import SourceSize

if TYPE_CHECKING:
    from dwcp.transfer.sending import Outgoing, SendingOptions

__all__ = ["send", "send_async", "sync", "sync_async"]

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0
"""Between two attempts: doubled each time without progress."""
_MOST_CHANGES = 3
"""Sessions that may find a chunk changed after it was catalogued."""
_COUNTED_AFTER_S = 0.5
"""A folder that is sent in less is not counted."""
_RATE_TICKS = 20
"""The rate shown is that of the last two seconds."""


def send(
    path: Path,
    address: str,
    options: SendOptions | None = None,
    *,
    environment: Environment | None = None,
    progress: Callable[[Progress], None] | None = None,
    on_retry: Callable[[Retry], None] | None = None,
    cancelled: threading.Event | None = None,
) -> SendResult:
    """Copy a file or folder to where a receiver listens; it must be new there.

    Args:
        path: file, folder or symbolic link.
        address: ``HOST:PORT`` of the receiver; where it has several, all of them with commas between: the
            nearest that answers is taken.
        options: how; the defaults unless given.
        environment: keys, state, advisor, recorder.
        progress: called about each tenth of a second.
        on_retry: called before a session that was cut off is tried again.
        cancelled: set it from another thread to stop; the same call goes on later.

    Raises:
        InputError: the source is not there, or an option cannot be.
        AuthenticationError: the receiver is not the one that was meant, or does not take us.
        TransferRefusedError: the receiver does not take what is offered, e.g. because it is there already.
        ConnectionLostError: nobody answers, or the connection was cut more often than `SendOptions.retries`.
        SourceChangedError: the source changed again and again while it was read.
        StorageError: a disk is full, on either side.
        ProtocolError: the other side does not keep to the protocol.
    """
    return _Sending("send", path, address, options, environment, progress, on_retry, cancelled).run()


def sync(
    path: Path,
    address: str,
    options: SendOptions | None = None,
    *,
    environment: Environment | None = None,
    progress: Callable[[Progress], None] | None = None,
    on_retry: Callable[[Retry], None] | None = None,
    cancelled: threading.Event | None = None,
) -> SendResult:
    """Bring the copy at the receiver up to date, sending only what changed; see `send`."""
    return _Sending("sync", path, address, options, environment, progress, on_retry, cancelled).run()


async def send_async(
    path: Path,
    address: str,
    options: SendOptions | None = None,
    *,
    environment: Environment | None = None,
    progress: Callable[[Progress], None] | None = None,
    on_retry: Callable[[Retry], None] | None = None,
) -> SendResult:
    """As `send`, awaited; when the task is cancelled, the transfer stops and can be gone on with."""
    return await _awaited(send, path, address, options, environment, progress, on_retry)


async def sync_async(
    path: Path,
    address: str,
    options: SendOptions | None = None,
    *,
    environment: Environment | None = None,
    progress: Callable[[Progress], None] | None = None,
    on_retry: Callable[[Retry], None] | None = None,
) -> SendResult:
    """As `sync`, awaited; when the task is cancelled, the transfer stops and can be gone on with."""
    return await _awaited(sync, path, address, options, environment, progress, on_retry)


async def _awaited(
    call: Callable[..., SendResult],
    path: Path,
    address: str,
    options: Any,
    environment: Any,
    progress: Any,
    on_retry: Any,
) -> SendResult:
    import asyncio

    cancelled = threading.Event()
    work = asyncio.create_task(
        asyncio.to_thread(
            call,
            path,
            address,
            options,
            environment=environment,
            progress=progress,
            on_retry=on_retry,
            cancelled=cancelled,
        )
    )
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        cancelled.set()
        await asyncio.wait([work])
        # What stopping it raised is nobody's concern: looked at, so that nothing is said of it.
        work.cancelled() or work.exception()
        raise


class _Sending:
    """One call: as many sessions as it takes."""

    def __init__(
        self,
        mode: Literal["send", "sync"],
        path: Path,
        address: str,
        options: SendOptions | None,
        environment: Environment | None,
        progress: Callable[[Progress], None] | None,
        on_retry: Callable[[Retry], None] | None,
        cancelled: threading.Event | None,
    ) -> None:
        self._mode, self._path = mode, path
        self._doors = doors(address)
        self._options, self._environment = options or SendOptions(), environment or Environment()
        self._progress, self._on_retry = progress, on_retry
        self._cancelled = cancelled or threading.Event()
        self._size: SourceSize | None = None
        try:
            os.lstat(path)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InputError(f"{path} cannot be sent: {reason}; check the path") from error
        for reference in self._options.references:
            if not os.path.lexists(reference):
                raise InputError(f"the reference {reference} is not there; name an older version kept here")
        keys = self._environment.keys or KeyFolder(default_key_folder())
        self._security = SenderSecurity(keys, self._options.security)
        self._started_s = time.monotonic()
        self._attempts = self._changes = self._streams_opened = self._wire_bytes = 0
        self._was_connected = False
        self._codecs: Counter[str] = Counter()
        self._rates: deque[tuple[float, int]] = deque(maxlen=_RATE_TICKS)

    def run(self) -> SendResult:
        """Run sessions until one succeeds, or an error says that none will."""
        try:
            return self._run()
        finally:
            if self._size is not None:
                self._size.stop()

    def _run(self) -> SendResult:
        wait_s, failures = _FIRST_WAIT_S, 0
        while True:
            sent_before = self._wire_bytes
            try:
                return self._knock()
            except SourceChangedError as error:
                self._changes += 1
                if self._changes >= _MOST_CHANGES:
                    raise
                self._tell_retry(Retry(error, 0.0, self._changes, _MOST_CHANGES - 1))
            except ConnectionLostError as error:
                moved = self._wire_bytes > sent_before
                failures, wait_s = (1, _FIRST_WAIT_S) if moved else (failures + 1, wait_s)
                if failures > self._options.retries or not self._was_connected or self._cancelled.is_set():
                    raise
                self._tell_retry(Retry(error, wait_s, failures, self._options.retries))
                if self._cancelled.wait(wait_s):
                    raise
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    def _tell_retry(self, retry: Retry) -> None:
        if self._on_retry is not None:
            self._on_retry(retry)

    def _knock(self) -> SendResult:
        """Try the receiver's addresses until one answers."""
        environment = self._environment
        memory = None if environment.state is None else PathMemory(environment.state)
        addresses = in_order(self._doors, environment.advisor, memory, 0, time.time())
        for address in addresses[:-1]:
            try:
                return self._attempt(address)
            except ConnectionLostError:
                if self._was_connected:
                    raise
        return self._attempt(addresses[-1])

    def _attempt(self, address: Address) -> SendResult:
        options = self._options
        self._attempts += 1
        limits = SenderLimits(
            options.cpu_workers,
            timeout_s=options.timeout_s,
            streams=options.streams,
            congestion=options.congestion,
        )
        call = Call(address, self._security, limits)
        try:
            return self._converse(call)
        finally:
            self._was_connected |= call.was_connected
            call.give_up()

    def _converse(self, call: Call) -> SendResult:
        from dwcp.transfer.sending import Outgoing

        environment = self._environment
        pilot = Pilot(self._options.cpu_workers, str(call.address), environment)
        outgoing = Outgoing(
            self._path,
            self._sending_options(call.address),
            advisor=environment.advisor,
            link=pilot,
            recorder=environment.recorder,
        )
        session = SenderSession(call, outgoing, pilot, lambda one: self._tick(one, outgoing))
        try:
            done = session.run()
            return self._result(done, outgoing, session)
        finally:
            self._wire_bytes += session.bytes_sent
            self._streams_opened += session.streams_opened
            outgoing.close()
            pilot.close()
            self._codecs += outgoing.counters.codecs

    def _sending_options(self, address: Address) -> "SendingOptions":
        from dwcp.transfer.sending import SendingOptions

        options, environment = self._options, self._environment
        state = environment.state
        return SendingOptions(
            mode=self._mode,
            delete=options.delete,
            checksum=options.checksum,
            codec=options.codec,
            references=options.references,
            scan_cache=None if state is None else self._scan_cache(state),
            node_id=environment.node_id,
            peer_id=str(address) if environment.node_id else "",
            hints_after_s=options.hints_after_s,
        )

    def _scan_cache(self, state: Path) -> Path:
        """One for each source, so that two transfers at once do not wait for each other."""
        source = hashlib.sha256(str(self._path.absolute()).encode(errors="surrogateescape")).hexdigest()[:16]
        return state / "scans" / f"{source}.sqlite"

    def _tick(self, session: SenderSession, outgoing: "Outgoing") -> None:
        if self._cancelled.is_set():
            session.stop()
        if self._progress is None:
            return
        now, counters = time.monotonic(), outgoing.counters
        self._rates.append((now, session.bytes_sent))
        (first_s, first), (last_s, last) = self._rates[0], self._rates[-1]
        rate = (last - first) / (last_s - first_s) if last_s > first_s else 0.0
        done = outgoing.done_bytes
        elapsed_s = now - self._started_s
        total = outgoing.total_bytes
        if total is None:
            total = self._counted_bytes(elapsed_s)
        left_s = (total - done) * elapsed_s / done if total and 0 < done <= total else None
        self._progress(
            Progress(
                done_bytes=done,
                total_bytes=total,
                wire_bytes=self._wire_bytes + session.bytes_sent,
                rate_mbps=max(rate, 0.0) * 8e-6,
                streams=session.streams_open,
                codec=counters.codec,
                files=counters.files,
                elapsed_s=elapsed_s,
                left_s=left_s,
            )
        )

    def _counted_bytes(self, elapsed_s: float) -> int | None:
        """What was counted of a folder that is not all read yet; what is over in a moment is not counted."""
        if self._size is None and elapsed_s >= _COUNTED_AFTER_S:
            self._size = SourceSize(self._path)
            self._size.begin()
        return None if self._size is None else self._size.total_bytes

    def _result(self, done: Done, outgoing: "Outgoing", session: SenderSession) -> SendResult:
        skipped = tuple((one.path.decode(errors="replace"), one.reason) for one in outgoing.counters.skipped)
        return SendResult(
            name=outgoing.offer().name.decode(errors="replace"),
            content=done.content.hex(),
            files_written=done.files_written,
            files_kept=done.files_kept,
            files_deleted=done.files_deleted,
            plain_bytes=outgoing.counters.plain_bytes,
            wire_bytes=self._wire_bytes + session.bytes_sent,
            codecs=dict(self._codecs + outgoing.counters.codecs),
            seconds=time.monotonic() - self._started_s,
            streams_opened=self._streams_opened + session.streams_opened,
            attempts=self._attempts,
            skipped=skipped,
        )
