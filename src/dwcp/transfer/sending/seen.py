"""Ids that were met, within a bound: two generations, the older one forgotten at a time."""

__all__ = ["SeenIds"]


class SeenIds:
    """Remembers the ids that were met last; for one thread at a time.

    Two generations do nearly what a list in the order of use does, for a third of its memory: an id that is
    met again moves to the newer one, and when that is full, it becomes the older one.

    Args:
        most: ids remembered at most; the latest half of them always are.
    """

    def __init__(self, most: int = 200_000) -> None:
        self._half = max(most // 2, 1)
        self._newer: set[bytes] = set()
        self._older: set[bytes] = set()

    def meet(self, chunk_id: bytes) -> bool:
        """Whether this id is remembered; from now on it is."""
        if chunk_id in self._newer:
            return True
        if len(self._newer) >= self._half:
            self._older, self._newer = self._newer, set()
        self._newer.add(chunk_id)
        return chunk_id in self._older

    def forget(self, chunk_id: bytes) -> None:
        """Do as if this id had not been met."""
        self._newer.discard(chunk_id)
        self._older.discard(chunk_id)

    def __len__(self) -> int:
        return len(self._newer | self._older)
