"""Having the index know what a session put in place."""

from itertools import islice

from dwcp.transfer.receiving.chunk_log import keyed_rows
from dwcp.transfer.receiving.entries import Entry, EntryKind, Flag
from dwcp.transfer.receiving.facts import FileFacts
from dwcp.transfer.receiving.index import Index, IndexedFile
from dwcp.transfer.receiving.session_log import SessionLog

__all__ = ["settle"]

_PAGE = 4096


def settle(log: SessionLog, index: Index) -> None:
    """Note a session's files and blocks in the index. Doing it twice does no harm.

    Raises:
        StorageError: the index cannot be written.
        OSError: the session cannot be read.
    """
    base = index.take_numbers(log.entries.count + 1)
    written = bytearray(log.entries.count)
    walk = log.entries.walk()
    while entries := list(islice(walk, _PAGE)):
        facts = log.files.range(entries[0].number, len(entries))
        known = [(entry, fact) for entry, fact in zip(entries, facts, strict=True) if fact is not None]
        new = [(entry, fact) for entry, fact in known if _is_written(entry)]
        for entry, _ in new:
            written[entry.number] = True
        files = [_indexed(base, entry, fact) for entry, fact in new]
        index.put_files(files, log.facts.cutting, log.facts.is_new)
        index.refresh([(entry.path, fact) for entry, fact in known if not _is_written(entry)])
    for _, rows, _ in log.chunks.pages():
        index.put_blocks(
            [
                (key, rest, base + entry, at, length)
                for key, rest, length, entry, at in keyed_rows(rows)
                if written[entry]
            ]
        )
    index.tidy()


def _is_written(entry: Entry) -> bool:
    return (
        entry.kind == EntryKind.FILE
        and bool(entry.flags & Flag.ENDED)
        and not entry.flags & (Flag.RETRACTED | Flag.KEPT)
    )


def _indexed(base: int, entry: Entry, facts: FileFacts) -> IndexedFile:
    return IndexedFile(base + entry.number, entry.path, entry.content, entry.chunks, facts)
