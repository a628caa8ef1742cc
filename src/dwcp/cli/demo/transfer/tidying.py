"""Leaving nothing behind, also when interrupted in the middle, and more than once."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

__all__ = ["held_back", "tidy", "undisturbed"]

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def tidy() -> Iterator[ExitStack]:
    """A stack of things to clean up. What would end the process interrupts it instead, and cleans up."""
    standing = {number: signal.getsignal(number) for number in _ENDING}
    try:
        for number, handler in standing.items():
            if handler is signal.SIG_DFL:
                signal.signal(number, signal.default_int_handler)
        with ExitStack() as stack:
            try:
                yield stack
            finally:
                with undisturbed():
                    stack.close()
    finally:
        for number, handler in standing.items():
            signal.signal(number, handler)


@contextmanager
def held_back() -> Iterator[None]:
    """A moment in which this process is not interrupted: whatever comes is acted on at its end."""
    arrived: list[int] = []
    standing = {number: signal.getsignal(number) for number in _ENDING}
    # What is ignored stays so, and with what is started meanwhile too.
    for number, handler in standing.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, lambda number, _: arrived.append(number))
    try:
        yield
    finally:
        for number, handler in standing.items():
            signal.signal(number, handler)
        if arrived:
            signal.raise_signal(arrived[0])


@contextmanager
def undisturbed() -> Iterator[None]:
    """A moment in which neither this process nor the commands that it runs meanwhile are interrupted."""
    with held_back():
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
