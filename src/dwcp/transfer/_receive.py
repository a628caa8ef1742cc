"""Receiving: one call that takes transfers into a folder until it is stopped."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from dwcp.errors import DwcpError
from dwcp.transfer.endpoints.connect import Address, listen
from dwcp.transfer.endpoints.progress import ReceiveResult
from dwcp.transfer.endpoints.receiver import Receiver
from dwcp.transfer.options import Environment, ReceiveOptions
from dwcp.transfer.receiving import Destination, ReceivingOptions
from dwcp.transfer.security import KeyFolder, ReceiverSecurity, default_key_folder

__all__ = ["open_receiver", "receive", "receive_async"]


def open_receiver(
    folder: Path,
    address: str,
    options: ReceiveOptions | None = None,
    *,
    environment: Environment | None = None,
    on_result: Callable[[ReceiveResult], None] | None = None,
    on_failure: Callable[[str, DwcpError], None] | None = None,
) -> Receiver:
    """A receiver that listens, and takes connections once `Receiver.serve` is called; `receive` does both.

    Args:
        folder: where transfers go; made when missing.
        address: ``HOST:PORT`` to listen on; port 0 for any, which `Receiver.address` then tells.
        options: how; the defaults unless given.
        environment: keys, and blocks that need not be sent.
        on_result: told of each transfer that is in place.
        on_failure: told of each session or connection that ended otherwise, with the other side's address.

    Raises:
        InputError: the folder or the address cannot be used.
        StorageError: the folder cannot be written.
    """
    options, environment = options or ReceiveOptions(), environment or Environment()
    security = ReceiverSecurity(environment.keys or KeyFolder(default_key_folder()), options.security)
    receiving = ReceivingOptions(
        durable=options.durable, keep_special=options.keep_special, blocks=environment.blocks
    )
    listener = listen(Address.parse(address))
    try:
        destination = Destination(folder, receiving, now=time.time())
    except BaseException:
        listener.close()
        raise
    return Receiver(
        listener,
        destination,
        security,
        options.limits,
        once=options.once,
        on_result=on_result,
        on_failure=on_failure,
    )


def receive(
    folder: Path,
    address: str,
    options: ReceiveOptions | None = None,
    *,
    environment: Environment | None = None,
    on_result: Callable[[ReceiveResult], None] | None = None,
    on_failure: Callable[[str, DwcpError], None] | None = None,
    stopped: threading.Event | None = None,
) -> None:
    """Take transfers into a folder until stopped, or after the first with `ReceiveOptions.once`.

    Args:
        folder: where transfers go; made when missing.
        address: ``HOST:PORT`` to listen on.
        options: how; the defaults unless given.
        environment: keys.
        on_result: told of each transfer that is in place.
        on_failure: told of each session or connection that ended otherwise, with the other side's address.
        stopped: set it from another thread to stop; what was verified stays for the next time.

    Raises:
        InputError: the folder or the address cannot be used.
        StorageError: the folder cannot be written.
    """
    receiver = open_receiver(
        folder, address, options, environment=environment, on_result=on_result, on_failure=on_failure
    )
    if stopped is not None:
        threading.Thread(target=_stop_when, args=(receiver, stopped), daemon=True).start()
    try:
        receiver.serve()
    finally:
        receiver.stop()


async def receive_async(
    folder: Path,
    address: str,
    options: ReceiveOptions | None = None,
    *,
    environment: Environment | None = None,
    on_result: Callable[[ReceiveResult], None] | None = None,
    on_failure: Callable[[str, DwcpError], None] | None = None,
) -> None:
    """As `receive`, awaited; ends when the task is cancelled. The callbacks run in threads of their own."""
    import asyncio

    receiver = open_receiver(
        folder, address, options, environment=environment, on_result=on_result, on_failure=on_failure
    )
    work = asyncio.create_task(asyncio.to_thread(receiver.serve))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        receiver.stop()
        await asyncio.wait([work])
        raise


def _stop_when(receiver: Receiver, stopped: threading.Event) -> None:
    stopped.wait()
    receiver.stop()
