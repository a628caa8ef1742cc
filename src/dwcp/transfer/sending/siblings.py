"""Siblings: earlier files of the same tree that are called the same but for numbers, e.g. two versions."""

import re
from collections import OrderedDict

from dwcp.transfer.sending.part import FileKey

__all__ = ["MIN_DELTA_FILE_BYTES", "Siblings"]

MIN_DELTA_FILE_BYTES = 64 * 1024
"""Smaller files gain more from being compressed together."""
_MOST_NAMES = 4096
_MOST_PAIRS = 4096
_DIGITS = re.compile(rb"\d+")


class Siblings:
    """Remembers the latest file of each name, and for files that are being sent which one came before.

    The reader tells of files; `before` may be asked from any thread.
    """

    def __init__(self) -> None:
        self._latest: OrderedDict[bytes, FileKey] = OrderedDict()
        self._before: OrderedDict[int, FileKey] = OrderedDict()

    def begin(self, file: FileKey) -> None:
        """A file begins."""
        if file.size_bytes < MIN_DELTA_FILE_BYTES:
            return
        older = self._latest.get(_DIGITS.sub(b"#", file.path))
        if (
            older is not None
            and older.size_bytes <= 2 * file.size_bytes
            and file.size_bytes <= 2 * older.size_bytes
        ):
            self._before[file.number] = older
            if len(self._before) > _MOST_PAIRS:
                self._before.popitem(last=False)

    def end(self, file: FileKey) -> None:
        """A file is complete."""
        if file.size_bytes < MIN_DELTA_FILE_BYTES:
            return
        name = _DIGITS.sub(b"#", file.path)
        self._latest[name] = file
        self._latest.move_to_end(name)
        if len(self._latest) > _MOST_NAMES:
            self._latest.popitem(last=False)

    def before(self, file: FileKey) -> FileKey | None:
        """The sibling that came before a file."""
        return self._before.get(file.number)
