import threading
from array import array

import pytest

from dwcp.errors import ProtocolError, StorageError
from dwcp.transfer.receiving.batch import Batch, Run
from dwcp.transfer.receiving.entries import Flag
from dwcp.transfer.receiving.ledger import ARRIVING, LOCAL, MISSING, REPEAT, VERIFIED, Ledger


def _batch(states: list[int], *files: tuple[int, int]) -> Batch:
    """Files with their flags and how many chunks they wait for."""
    batch = Batch(states=bytearray(states))
    for flags, outstanding in files:
        batch.flags.append(flags)
        batch.outstanding.append(outstanding)
        batch.begun += not flags & Flag.RETRACTED
    return batch


def _run(entry: int, first: int, count: int = 1) -> Run:
    return Run(entry, 0, first, count, count, memoryview(b"x" * count))


def test_a_session_from_its_first_chunk_to_its_last() -> None:
    ledger = Ledger()
    assert not ledger.is_complete
    assert ledger.announce(
        _batch([MISSING, MISSING, LOCAL], (Flag.ENDED, 2), (Flag.ENDED, 1), (Flag.ENDED, 0))
    ) == [2]
    ledger.finished(1)
    assert ledger.known == 3
    assert ledger.claim([(0, 3)]) == [bytes((MISSING, MISSING, LOCAL))]
    assert ledger.states(0, 3) == bytes((ARRIVING, ARRIVING, LOCAL))
    assert ledger.verified([_run(0, 0)], from_network=True) == []
    assert ledger.verified([_run(0, 1)], from_network=True) == [0]
    ledger.finished(1)
    ledger.all_announced()
    assert not ledger.is_complete
    assert ledger.claim_local([2], LOCAL)
    assert not ledger.claim_local([2], LOCAL)
    assert ledger.verified([_run(1, 2)], from_network=False) == [1]
    ledger.finished(1, kept=1)
    assert ledger.is_complete
    assert ledger.wait_complete(0)
    progress = ledger.progress
    assert (progress.bytes_received, progress.bytes_local, progress.files_done, progress.files_kept) == (
        2,
        1,
        3,
        1,
    )


def test_a_file_whose_records_come_in_several_batches() -> None:
    ledger = Ledger()
    assert ledger.announce(_batch([MISSING], (0, 2))) == []
    ledger.claim([(0, 1)])
    assert ledger.verified([_run(0, 0)], from_network=True) == []
    batch = _batch([MISSING])
    batch.changes.append((0, Flag.ENDED, 1 - 1))
    assert ledger.announce(batch) == []
    assert ledger.verified([_run(0, 1)], from_network=True) == [0]


def test_a_file_that_is_taken_back_is_not_waited_for() -> None:
    ledger = Ledger()
    ledger.announce(
        _batch(
            [MISSING],
            (0, 2),
        )
    )
    batch = _batch([], (Flag.RETRACTED, 5))
    batch.changes.append((0, Flag.RETRACTED, 0))
    assert ledger.announce(batch) == []
    ledger.all_announced()
    assert ledger.is_complete


def test_wrong_chunks_are_missing_again_but_not_forever() -> None:
    ledger = Ledger()
    ledger.announce(_batch([MISSING, REPEAT], (Flag.ENDED, 2)))
    for _ in range(100):
        ledger.claim([(1, 1)])
        ledger.wrong([1], from_network=False)
    for _ in range(4):
        ledger.claim([(0, 2)])
        ledger.wrong([0, 1], from_network=True)
    assert ledger.states(0, 2) == bytes((MISSING, MISSING))
    with pytest.raises(ProtocolError, match="chunk 0"):
        ledger.wrong([0], from_network=True)


def test_a_kept_file_that_proves_wrong_is_begun_anew() -> None:
    ledger = Ledger()
    ledger.announce(_batch([LOCAL, LOCAL, LOCAL], (Flag.ENDED | Flag.KEPT, 3)))
    assert ledger.next_of(LOCAL) == 0
    assert ledger.claim_local([0, 1], LOCAL)
    ledger.verified([_run(0, 0)], from_network=False)
    assert ledger.next_of(LOCAL) == 2
    ledger.wrong([1], from_network=False)
    ledger.demote(0, 0, 3)
    assert ledger.flags(0) == Flag.ENDED | Flag.FROM_OLD
    assert ledger.states(0, 3) == bytes((LOCAL, MISSING, LOCAL))
    assert ledger.next_of(LOCAL) == 0
    assert ledger.next_of(REPEAT) == -1
    ledger.claim_local([0, 2], LOCAL)
    assert ledger.verified([_run(0, 0), _run(0, 2)], from_network=False) == []
    assert ledger.verified([_run(0, 1)], from_network=True) == [0]


def test_chunks_of_earlier_batches_may_be_settled() -> None:
    ledger = Ledger()
    ledger.announce(_batch([LOCAL, REPEAT], (Flag.UNDECIDED, 3)))
    batch = _batch([])
    batch.settled.append((0, 2, VERIFIED))
    batch.changes.append((0, Flag.ENDED | Flag.KEPT, -3))
    assert ledger.announce(batch) == [0]
    assert ledger.states(0, 2) == bytes((VERIFIED, VERIFIED))


def test_everybody_is_told_of_the_first_failure() -> None:
    ledger = Ledger()
    told: list[BaseException] = []

    def wait(call: object) -> None:
        try:
            call()  # type: ignore[operator]
        except StorageError as error:
            told.append(error)

    calls = [ledger.wait_for_work, lambda: ledger.wait_known(5, 60), lambda: ledger.wait_complete(60)]
    threads = [threading.Thread(target=wait, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    ledger.fail(StorageError("first"))
    ledger.fail(ProtocolError("second"))
    for thread in threads:
        thread.join()
    assert [str(error) for error in told] == ["first"] * 3
    for call in (ledger.check, lambda: ledger.claim([(0, 1)]), lambda: ledger.announce(Batch())):
        with pytest.raises(StorageError, match="first"):
            call()


def test_waiting_ends_when_time_is_over_or_what_was_waited_for_comes() -> None:
    ledger = Ledger()
    assert not ledger.wait_known(1, 0)
    assert not ledger.wait_complete(0)
    waiting = threading.Thread(target=ledger.wait_known, args=(1, 60))
    waiting.start()
    ledger.announce(
        Batch(states=bytearray((MISSING,)), flags=bytearray(1), outstanding=array("q", [2]), begun=1)
    )
    waiting.join()
    assert ledger.state(0) == MISSING
