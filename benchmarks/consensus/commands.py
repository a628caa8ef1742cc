"""Programs of the system that the laboratory runs."""

import asyncio
import subprocess

from dwcp.errors import InputError


def run(*words: str, told: str = "") -> str:
    """What a program prints.

    Raises:
        InputError: it is not installed, or it failed.
    """
    try:
        done = subprocess.run(words, input=told, capture_output=True, text=True, check=False)
    except OSError as error:
        raise InputError(f"`{words[0]}` cannot be run: {error.strerror}; install it") from error
    return _printed(words, done.returncode, done.stdout, done.stderr)


async def run_beside(*words: str, told: str = "") -> str:
    """As `run`, while the event loop goes on."""
    return await asyncio.to_thread(lambda: run(*words, told=told))


def _printed(words: tuple[str, ...], status: int, printed: str, complaint: str) -> str:
    if status:
        reason = complaint.strip() or f"exit status {status}"
        raise InputError(f"the cluster cannot be set up or changed: `{' '.join(words)}` says: {reason}")
    return printed
