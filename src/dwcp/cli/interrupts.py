"""Ctrl-C in a command that takes long to end: the first one ends it in good order, a second one at once."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from dwcp.cli.failures import Status
from dwcp.cli.session import Session

__all__ = ["interruptible", "leave"]

_SHOW_CURSOR = b"\x1b[?25h"


@contextmanager
def interruptible(session: Session, words: str = "") -> Iterator[None]:
    """Let a second Ctrl-C end the process on the spot. Where Ctrl-C is ignored, it stays so.

    Args:
        session: is told what is said of an interrupted command.
        words: that; what is said of any command unless given.
    """
    usual = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or usual is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _first)
    try:
        yield
    except KeyboardInterrupt:
        session.interrupted = words or session.interrupted
        session.leaves_at_once = True
        raise
    except BaseException:
        signal.signal(signal.SIGINT, usual)
        raise
    signal.signal(signal.SIGINT, usual)


def leave(status: int) -> None:
    """End the process, whatever its threads are doing: they may be in the middle of compressing much.

    Nothing is tidied up that the system does not do faster. That is 40 ms of a short transfer, too.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def _first(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, _second)
    raise KeyboardInterrupt


def _second(_number: int, _frame: FrameType | None) -> None:
    # A print that this interrupts could not be begun again.
    with suppress(OSError):
        os.write(2, (_SHOW_CURSOR if os.isatty(2) else b"") + b"dwcp: interrupted\n")
    os._exit(Status.INTERRUPTED)
