from random import Random

from hypothesis import given
from hypothesis import strategies as st

from dwcp.tasks.prefetch.evidence import Evidence
from dwcp.tasks.prefetch.followers import Followers
from dwcp.tasks.prefetch.recall import Recall
from dwcp.tasks.prefetch.streams import Streams

BLOCKS = st.lists(st.integers(0, 6), max_size=80)


def test_recall_tells_what_came_after_the_last_time() -> None:
    recall = Recall()
    for block in "abcdefgh-":
        assert recall.learn(block) == []
    assert [found.block for found in recall.learn("b")] == list("cdefg")


def test_recall_prefers_the_place_where_more_was_the_same() -> None:
    recall = Recall()
    for block in "xa1--ya2--":
        recall.learn(block)
    recall.learn("x")
    first = recall.learn("a")[0]
    assert first.block == "1"
    assert first.ground[:3] == ("recall", 0, 1)


@given(BLOCKS, st.integers(2, 10))
def test_recall_names_only_what_it_still_holds(blocks: list[int], capacity: int) -> None:
    recall = Recall(capacity)
    for at, block in enumerate(blocks):
        kept = blocks[max(0, at + 1 - capacity) : at + 1]
        assert {found.block for found in recall.learn(block)} <= set(kept) - {block}
        assert len(recall) <= capacity


@given(BLOCKS, st.integers(2, 10), BLOCKS)
def test_recall_goes_on_from_a_snapshot(blocks: list[int], capacity: int, more: list[int]) -> None:
    recall, restored = Recall(capacity), Recall(capacity)
    for block in blocks:
        recall.learn(block)
    restored.restore(recall.snapshot())
    assert [restored.learn(block) for block in more] == [recall.learn(block) for block in more]


def test_followers_forget_the_rare_and_the_old() -> None:
    followers = Followers(1, capacity=3)
    for rare in range(100):
        for block in ("a", "b", "a", rare):
            followers.learn(block)
    times, after = followers.of("a")
    assert times == 200
    assert after[0][0] == "b"
    assert len(after) <= 8
    assert len(followers) == 3
    assert followers.of(5) == (0, [])


def test_interleaved_runs_are_told_apart() -> None:
    streams = Streams()
    rng = Random(2)
    heads = [1_000_000, 2_000_000, 3_000_000]
    for _ in range(60):
        at = rng.randrange(3)
        heads[at] += 1
        found = streams.learn(heads[at])
    up = [candidate for candidate in found if candidate.ground[0] == "up"]
    assert [candidate.block for candidate in up] == [heads[at] + step for step in range(1, 6)]
    assert up[0].ground[2] >= 3


def test_downwards_and_by_strides() -> None:
    streams = Streams()
    down = [streams.learn(block) for block in (50, 49, 48)][-1]
    assert 47 in [found.block for found in down if found.ground[0] == "down"]
    strided = [streams.learn(block) for block in (5000, 5007, 5014)][-1]
    assert [found.block for found in strided if found.ground[0] == "stride"][:2] == [5021, 5028]


def test_streams_are_bounded_and_remembered() -> None:
    streams, restored, rng = Streams(), Streams(), Random(3)
    for _ in range(20_000):
        streams.learn(rng.randrange(1 << 40))
    assert len(streams) <= 3 * 4096
    restored.restore(streams.snapshot())
    assert restored.snapshot() == streams.snapshot()


def test_evidence_begins_low_comes_with_trials_and_changes_its_mind() -> None:
    evidence, ground = Evidence(), ("up", 0, 1, 1)
    assert evidence.precision(ground) < 0.34
    for _ in range(10):
        evidence.note(ground, True)
    assert 0.6 < evidence.precision(ground) < 1
    for _ in range(400):
        evidence.note(ground, False)
    assert evidence.precision(ground) < 0.1
