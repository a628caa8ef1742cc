"""Flows: which bundles are alike. A large file is a flow, small ones go by the end of their name."""

from dwcp.transfer.sending.part import FileKey

__all__ = ["flow_of"]

_OWN_FLOW_BYTES = 8 * 1024 * 1024
_LONGEST_SUFFIX = 10


def flow_of(file: FileKey) -> str:
    """A name for the flow a file belongs to; for this process alone, it tells the path."""
    if file.size_bytes >= _OWN_FLOW_BYTES:
        return file.path.decode("utf-8", "backslashreplace")
    _, dot, suffix = file.path.rpartition(b"/")[2].rpartition(b".")
    if not dot or not 0 < len(suffix) <= _LONGEST_SUFFIX:
        return "*"
    return "*." + suffix.lower().decode("ascii", "backslashreplace")
