"""Which ids a session has named already, and as which chunk: compact, bounded, and exact.

An open-addressing table of sequence numbers with 32 bits of each id's keyed hash beside them (Python's own,
SipHash under a key of the process, so that nobody can choose ids that collide): eight bytes a slot, half of
the slots free. What it finds is held against the id on disk. Two generations bound the memory: a full one
becomes the older, whose ids are carried over as they are met again, so that at least the latest two million
different ids are remembered, however many there are.
"""

from array import array
from collections.abc import Callable, Sequence
from threading import Lock

from dwcp.blocks import ID_BYTES

__all__ = ["Seen"]

_FIRST_SLOTS = 1 << 14
_MAX_IDS = 1 << 21
_MAX_NUMBER = (1 << 32) - 2
_MARK = (1 << 32) - 1
_ALL = 1 << 62


class _Generation:
    """Numbers are relative to the generation's first, plus one; 0 is a free slot."""

    __slots__ = ("base", "count", "marks", "numbers")

    def __init__(self, base: int) -> None:
        self.base = base
        self.count = 0
        self._clear(_FIRST_SLOTS)

    def reserve(self, more: int) -> None:
        """Have half of the slots free when so many more ids are remembered."""
        while 2 * (self.count + more) > len(self.numbers):
            old = zip(self.marks, self.numbers, strict=True)
            self._clear(2 * len(self.numbers))
            for mark, number in old:
                if number:
                    self.put(self.free_slot(mark), mark, number)

    def put(self, slot: int, mark: int, number: int) -> None:
        """Take a slot."""
        self.numbers[slot] = number
        self.marks[slot] = mark

    def free_slot(self, mark: int) -> int:
        """Where an id of this mark may be put."""
        numbers = self.numbers
        mask = len(numbers) - 1
        slot = mark & mask
        while numbers[slot]:
            slot = (slot + 1) & mask
        return slot

    def find(self, mark: int, is_it: Callable[[int], bool]) -> tuple[int, int]:
        """The number remembered of an id and its slot; -1 and -1 where there is none."""
        numbers, marks = self.numbers, self.marks
        mask = len(numbers) - 1
        slot = mark & mask
        while number := numbers[slot]:
            if marks[slot] == mark and is_it(self.base + number - 1):
                return self.base + number - 1, slot
            slot = (slot + 1) & mask
        return -1, -1

    def _clear(self, slots: int) -> None:
        self.numbers = array("I", bytes(4 * slots))
        self.marks = array("I", bytes(4 * slots))


class Seen:
    """The ids of a session's chunks. One thread notes them; any thread asks."""

    def __init__(self, id_of: Callable[[int], bytes], max_ids: int = _MAX_IDS) -> None:
        """Start with none.

        Args:
            id_of: the id of a chunk that was noted in an earlier call.
            max_ids: in one generation.
        """
        self._id_of = id_of
        self._max_ids = max_ids
        self._young = _Generation(0)
        self._old: _Generation | None = None
        self._lock = Lock()

    def note(self, ids: bytes, first: int) -> list[int]:
        """Note the ids of the next chunks.

        Args:
            ids: 32 bytes each, one after the other.
            first: the first one's sequence number.

        Returns:
            For each the number of a chunk with the same id that was noted before; -1 where there is none.
        """
        blocks = [ids[at : at + ID_BYTES] for at in range(0, len(ids), ID_BYTES)]
        with self._lock:
            self._make_room(len(blocks), first)
            return self._note(blocks, first)

    def find(self, block_id: bytes) -> int:
        """The number of a chunk with this id; -1 where none is remembered."""
        with self._lock:
            return self._find(block_id, hash(block_id) & _MARK, (), _ALL)

    def point(self, block_id: bytes, earlier: int, number: int) -> None:
        """Have a remembered id mean another chunk from now on.

        Args:
            block_id: the id.
            earlier: the chunk that it means so far.
            number: the chunk that it is to mean.
        """
        mark = hash(block_id) & _MARK
        with self._lock:
            _, slot = self._young.find(mark, lambda other: other == earlier)
            if slot >= 0:
                self._young.numbers[slot] = number - self._young.base + 1

    def _make_room(self, more: int, first: int) -> None:
        young = self._young
        if young.count + more > self._max_ids or first + more - young.base > _MAX_NUMBER:
            self._old, self._young = young, _Generation(first)
        self._young.reserve(more)

    def _note(self, blocks: Sequence[bytes], first: int) -> list[int]:
        """The loop that every chunk goes through, so it calls nothing where the id is new."""
        young = self._young
        numbers, mask, number = young.numbers, len(young.numbers) - 1, first - young.base + 1
        earlier = [-1] * len(blocks)
        for each, block_id in enumerate(blocks):
            mark = hash(block_id) & _MARK
            slot = mark & mask
            while numbers[slot] and young.marks[slot] != mark:
                slot = (slot + 1) & mask
            if numbers[slot] or self._old:
                found = self._find(block_id, mark, blocks, first)
                earlier[each] = found
                if found >= young.base:
                    continue
                slot = young.free_slot(mark)
            numbers[slot] = number + each
            young.marks[slot] = mark
            young.count += 1
        return earlier

    def _find(self, block_id: bytes, mark: int, blocks: Sequence[bytes], first: int) -> int:
        def is_it(number: int) -> bool:
            return (self._id_of(number) if number < first else blocks[number - first]) == block_id

        found, _ = self._young.find(mark, is_it)
        if found < 0 and self._old is not None:
            found, _ = self._old.find(mark, is_it)
        return found
