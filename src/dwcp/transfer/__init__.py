"""DWCP transfer: files, folders and snapshots from one host to another, whole or not at all."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dwcp.transfer._receive import open_receiver, receive, receive_async
    from dwcp.transfer._send import send, send_async, sync, sync_async
    from dwcp.transfer.endpoints.limits import ReceiverLimits
    from dwcp.transfer.endpoints.progress import Progress, ReceiveResult, Retry, SendResult
    from dwcp.transfer.endpoints.receiver import Receiver
    from dwcp.transfer.options import Environment, ReceiveOptions, SendOptions
    from dwcp.transfer.security import KeyFolder, SecurityOptions

__all__ = [
    "Environment",
    "KeyFolder",
    "Progress",
    "ReceiveOptions",
    "ReceiveResult",
    "Receiver",
    "ReceiverLimits",
    "Retry",
    "SecurityOptions",
    "SendOptions",
    "SendResult",
    "open_receiver",
    "receive",
    "receive_async",
    "send",
    "send_async",
    "sync",
    "sync_async",
]

_HOMES = {
    "_receive": ("open_receiver", "receive", "receive_async"),
    "_send": ("send", "send_async", "sync", "sync_async"),
    "endpoints.limits": ("ReceiverLimits",),
    "endpoints.progress": ("Progress", "ReceiveResult", "Retry", "SendResult"),
    "endpoints.receiver": ("Receiver",),
    "options": ("Environment", "ReceiveOptions", "SendOptions"),
    "security": ("KeyFolder", "SecurityOptions"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load what is asked for and no more: a small transfer is over before both sides would be loaded."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
