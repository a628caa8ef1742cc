"""Verified bytes into staged files, and files that are complete into their final shape."""

import os
from collections.abc import Sequence
from itertools import groupby

from dwcp.transfer.receiving.batch import Run
from dwcp.transfer.receiving.disk import Disk
from dwcp.transfer.receiving.entries import Entry, Flag
from dwcp.transfer.receiving.facts import FileFacts
from dwcp.transfer.receiving.ledger import Ledger
from dwcp.transfer.receiving.session_log import SessionLog
from dwcp.transfer.receiving.staged import StagedFiles, staged_path
from dwcp.transfer.receiving.tree import split

__all__ = ["Writer"]


class Writer:
    """Writes for one session, from several threads at once. Its methods raise StorageError and OSError."""

    def __init__(self, log: SessionLog, files: StagedFiles, ledger: Ledger, disk: Disk) -> None:
        """Write nothing yet."""
        self._log = log
        self._files = files
        self._ledger = ledger
        self._disk = disk

    def put(self, runs: Sequence[Run], from_network: bool) -> None:
        """Write runs in order of their files, mark their chunks, and finish the files that are complete."""
        entries = self._log.entries.of([run.entry for run in runs])
        whole: list[tuple[Run, Entry]] = []
        for run, entry in zip(runs, entries, strict=True):
            if entry.flags & Flag.ENDED and run.count == entry.chunks and len(run.data) == entry.size_bytes:
                whole.append((run, entry))
            else:
                with self._files.writing(staged_path(entry)) as fd:
                    self._disk.write(fd, run.data, run.offset)
        facts = self._write_whole(whole)
        self._ledger.written(sum([len(run.data) for run in runs]))
        complete = self.mark(runs, from_network)
        self._ledger.finished(sum([entry in facts for entry in complete]))
        self.finish([entry for entry in complete if entry not in facts])

    def mark(self, runs: Sequence[Run], from_network: bool) -> list[int]:
        """Note that chunks lie where they belong.

        Returns:
            Entries of the files that are complete with them.
        """
        first = following = runs[0].first
        for run in runs:
            if run.first != following:
                self._log.chunks.mark(first, following - first)
                first = run.first
            following = run.first + run.count
        self._log.chunks.mark(first, following - first)
        return self._ledger.verified(runs, from_network)

    def finish(self, numbers: Sequence[int]) -> None:
        """Give files that are complete their size, mode and time."""
        if not numbers:
            return
        facts: dict[int, FileFacts] = {}
        kept = 0
        for entry in self._log.entries.of(sorted(numbers)):
            if self._ledger.flags(entry.number) & Flag.KEPT:
                kept += 1
            else:
                facts[entry.number] = self._finish(entry)
        if facts:
            self._log.files.put_many(facts)
        self._ledger.finished(len(numbers), kept)

    def _write_whole(self, whole: Sequence[tuple[Run, Entry]]) -> dict[int, FileFacts]:
        """Make files that are all there, directory by directory: most trees are made of small files."""
        facts: dict[int, FileFacts] = {}
        for above, together in groupby(whole, key=lambda each: split(staged_path(each[1]))[0]):
            path = above
            try:
                directory = self._files.tree.hold(above, make=True)
                try:
                    for run, entry in together:
                        path = staged_path(entry)
                        facts[entry.number] = self._write_one(run, entry, split(path)[1], directory)
                finally:
                    self._files.tree.release(above)
            except OSError as error:
                raise self._files.tree.error(error, path) from error
        if facts:
            self._log.files.put_many(facts)
        return facts

    def _write_one(self, run: Run, entry: Entry, name: bytes, directory: int) -> FileFacts:
        fd = self._files.create_whole(name, directory)
        try:
            self._disk.write(fd, run.data, 0)
            self._disk.finish(fd, self._log.facts.mode(entry.mode), entry.mtime_ns)
            return FileFacts.of(os.fstat(fd))
        finally:
            os.close(fd)

    def _finish(self, entry: Entry) -> FileFacts:
        path = staged_path(entry)
        with self._files.writing(path) as fd:
            if os.fstat(fd).st_size != entry.size_bytes:
                self._disk.truncate(fd, entry.size_bytes)
            self._disk.finish(fd, self._log.facts.mode(entry.mode), entry.mtime_ns)
            facts = FileFacts.of(os.fstat(fd))
        self._files.done(path)
        return facts
