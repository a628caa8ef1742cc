"""What ends a session: the first error, or success; whoever waits is told."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from dwcp.errors import ConnectionLostError, DwcpError, TransferError

__all__ = ["Crew", "Ending"]

_LAST_WORDS_S = 2.0
_INTERRUPTED_S = 0.1
"""How long threads are waited for after Ctrl-C."""


class Ending:
    """The first thing that ends a session; later ones change nothing."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._at_end: list[Callable[[], None]] = []
        self.error: DwcpError | None = None

    def at_end(self, act: Callable[[], None]) -> None:
        """Call this once at the end; at once where the end has come."""
        with self._lock:
            if not self._over.is_set():
                self._at_end.append(act)
                return
        act()

    def end(self, error: DwcpError | None = None) -> None:
        """The session is over, well or with an error."""
        with self._lock:
            if self._over.is_set():
                return
            self.error = error
            self._over.set()
            acts, self._at_end = self._at_end, []
        for act in acts:
            act()

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._over.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end; whether it has come."""
        return self._over.wait(timeout_s)

    @contextmanager
    def heeding(self) -> Iterator[None]:
        """Where the connection fails in this block, wait a moment for whoever listens to it.

        The other side may have said why it left, and that comes before the end; what is sent meanwhile fails.
        """
        try:
            yield
        except ConnectionLostError:
            self.wait(_LAST_WORDS_S)
            raise

    def raise_error(self) -> None:
        """Raise what ended the session, if that was an error."""
        if self.error is not None:
            raise self.error


class Crew:
    """The threads of one session: an error in any of them ends the session, and all are waited for.

    Only who is interrupted does not wait for long: a thread may be in the middle of compressing much.
    """

    def __init__(self, ending: Ending) -> None:
        self._ending = ending
        self._threads: list[threading.Thread] = []
        self._is_left = False

    def start(self, name: str, work: Callable[[], None]) -> threading.Thread:
        """Run this beside the others."""
        thread = threading.Thread(target=self._run, args=(work,), name=f"dwcp-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except DwcpError as error:
            self._ending.end(error)
        except BaseException as error:
            self._ending.end(TransferError(f"a fault of this program: {type(error).__name__}: {error}"))
            # What it works with may be closed by now.
            if not self._is_left:
                raise

    def __enter__(self) -> "Crew":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.end(error if isinstance(error, DwcpError) else None)
        is_interrupted = kind is not None and not issubclass(kind, Exception)
        deadline_s = time.monotonic() + _INTERRUPTED_S
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(deadline_s - time.monotonic(), 0.0) if is_interrupted else None)
        self._is_left = is_interrupted
