import msgspec
import pytest

from dwcp.errors import InputError, StorageError
from dwcp.safety.shadow import (
    BackgroundFlush,
    ShadowDecision,
    ShadowLog,
    ShadowOutcome,
    log_files,
    read_shadow_log,
)


def decision(number: int, **more) -> ShadowDecision:
    return ShadowDecision(
        **{
            "when_s": float(number),
            "task": "compression",
            "unit": f"link-{number % 20}",
            "champion": "1.0.0",
            "candidate": "1.1.0",
            "champion_action": {"codec": "zstd", "level": 3},
            "candidate_action": {"codec": "lz4", "level": 1},
            "latency_ms": 0.2,
            **more,
        }
    )


def test_decisions_and_later_outcomes_are_read_back_joined(tmp_path):
    file = tmp_path / "logs" / "shadow.jsonl"
    log = ShadowLog(file)
    log.offer(decision(1, id="a"))
    log.offer(decision(2, failure="deadline", candidate_action=None))
    log.flush()
    assert not log.stats().waiting
    log.offer(ShadowOutcome("compression", "a", correct=True, champion_regret=0.5, candidate_regret=0.0))
    log.offer(ShadowOutcome("compression", "gone", correct=False))
    log.offer(ShadowOutcome("bandwidth", "a", correct=False))
    log.flush()
    found = read_shadow_log(file)
    assert found.decisions[0] == decision(1, id="a", correct=True, champion_regret=0.5, candidate_regret=0.0)
    assert found.decisions[1].failure == "deadline"
    assert (len(found.decisions), found.unmatched, found.bad) == (2, 2, ())
    assert log.stats().written == 5
    assert b"null" not in file.read_bytes().replace(b'"candidate_action":null', b"")


def test_a_full_queue_drops_and_counts(tmp_path):
    log = ShadowLog(tmp_path / "shadow.jsonl", capacity=3)
    assert [log.offer(decision(number)) for number in range(5)] == [True, True, True, False, False]
    assert (log.stats().dropped, log.stats().waiting) == (2, 3)
    log.flush()
    assert log.offer(decision(6))


def test_parts_are_rotated_by_size_and_the_oldest_goes(tmp_path):
    file = tmp_path / "shadow.jsonl"
    log = ShadowLog(file, part_bytes=400, older_parts=2)
    for number in range(30):
        log.offer(decision(number, id=str(number)))
        log.flush()
    assert [part.name for part in log_files(file)] == ["shadow.jsonl.2", "shadow.jsonl.1", "shadow.jsonl"]
    found = read_shadow_log(file)
    numbers = [each.when_s for each in found.decisions]
    assert numbers == sorted(numbers)
    assert numbers[-1] == 29
    assert sum(part.stat().st_size for part in found.files) < 3 * 1000
    assert len(numbers) < 30


def test_bad_lines_are_passed_over_with_their_numbers(tmp_path):
    file = tmp_path / "shadow.jsonl"
    good = msgspec.json.encode(decision(1))
    file.write_bytes(b"\n".join([good, b"{}", b"nonsense", b"", good, good[:40]]))
    found = read_shadow_log(file)
    assert [bad.number for bad in found.bad] == [2, 3, 6]
    assert "missing required field" in found.bad[0].reason
    assert len(found.decisions) == 2
    # A torn line is ended by the next writer, and costs nothing but itself.
    log = ShadowLog(file)
    log.offer(decision(9))
    log.flush()
    assert [each.when_s for each in read_shadow_log(file).decisions] == [1, 1, 9]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: no such file"),
        (b"", "holds no decision of a shadow log; it is empty"),
        (b"a,b\n1,2\n", "holds no decision of a shadow log; line 1: "),
        (b'{"task": "a", "id": "1", "correct": true}\n', "holds no decision of a shadow log"),
        (b"\xff\xfe\x00", "holds no decision of a shadow log; line 1: "),
    ],
)
def test_a_file_that_is_no_log_is_one_sentence(content, said, tmp_path):
    file = tmp_path / "shadow.jsonl"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_shadow_log(file)
    with pytest.raises(InputError, match="is a directory"):
        read_shadow_log(tmp_path)


def test_the_background_flushes_at_the_end_and_survives_a_disk_that_fails(tmp_path):
    log = ShadowLog(tmp_path / "shadow.jsonl")
    with BackgroundFlush([log], interval_s=60):
        log.offer(decision(1))
    assert log.stats().written == 1
    (tmp_path / "file").write_text("")
    lost = ShadowLog(tmp_path / "file" / "shadow.jsonl")
    with BackgroundFlush([lost, log], interval_s=60) as background:
        lost.offer(decision(1))
        log.offer(decision(2))
    assert background.failures == 1
    assert isinstance(background.last_error, StorageError)
    assert (lost.stats().waiting, log.stats().written) == (1, 2)
    with pytest.raises(InputError, match="at least 1"):
        ShadowLog(tmp_path / "x", part_bytes=0)
