"""Every question a store may ask, answered by rule and by an advisor."""

from typing import Any

import pytest

from dwcp.serving import Hint, Reason
from dwcp.storage import CompressionHint, NetworkParameters, StorageHints
from dwcp.tasks.compression import contract as compression
from dwcp.tasks.dedup import contract as dedup
from dwcp.tasks.peers import contract as peers
from dwcp.tasks.prefetch import contract as prefetch

BLOCK = b"b" * 32
DEDUP = dedup.Context(BLOCK, False, 1000, 500, (dedup.Candidate(bytes(32), 1000, 9, 9),))
PREFETCH = prefetch.Context(("a",), next_children=("b",))
PEERS = peers.Context(
    (peers.Peer("new"), peers.Peer("slow", 90.0), peers.Peer("near", 3.0)), block_bytes=1000, epoch_s=0.0
)


class Advisor:
    def __init__(self, **actions: object) -> None:
        self._actions = actions
        self.asked: list[tuple[str, Any]] = []
        self.observed: list[tuple[object, ...]] = []

    def ask(self, task_name: str, context: Any) -> Hint[Any]:
        self.asked.append((task_name, context))
        return Hint(self._actions.get(task_name), Reason.MODEL, 1.0, None)

    def observe(self, *told: object) -> None:
        self.observed.append(told)


GOOD = {
    "compression": compression.action_named("lz4"),
    "dedup": dedup.NOTHING,
    "prefetch": prefetch.Action(("x",)),
    "peers": peers.Action(("slow", "new", "near")),
}
BAD = {
    "compression": compression.Action("delta", 3),
    "dedup": dedup.Action((b"?" * 32,)),
    "prefetch": prefetch.Action(("x", "x")),
    "peers": peers.Action(("nobody",)),
}
WRONG = dict.fromkeys(GOOD, "nonsense")


@pytest.mark.parametrize(
    "hints",
    [
        StorageHints(),
        StorageHints(Advisor(**GOOD), enable_ml=False),
        StorageHints(Advisor()),
        StorageHints(Advisor(**BAD)),
        StorageHints(Advisor(**WRONG)),
    ],
    ids=["nobody", "off", "unknown", "inadmissible", "nonsense"],
)
def test_answers_by_rule(hints: StorageHints) -> None:
    assert hints.compression(BLOCK, 1000, 0, 5.0) == CompressionHint("zstd", 3, "zstd-3")
    assert hints.compression(BLOCK, 1000, 0, 7.99) == CompressionHint("none", 0, "none")
    assert hints.deduplication(DEDUP) == dedup.Action((bytes(32),))
    assert hints.prefetch(PREFETCH) == prefetch.NOTHING
    assert hints.best_peer(PEERS) == "near"
    assert hints.network_parameters() == NetworkParameters(6, 10)


def test_answers_of_an_advisor() -> None:
    advisor = Advisor(**GOOD)
    hints = StorageHints(advisor)
    assert hints.compression(BLOCK, 1000, 2, 5.0) == CompressionHint("lz4", 0, "lz4")
    assert hints.deduplication(DEDUP) == dedup.NOTHING
    assert hints.prefetch(PREFETCH) == prefetch.Action(("x",))
    assert hints.best_peer(PEERS) == "slow"
    assert [name for name, _ in advisor.asked] == list(GOOD)
    context = advisor.asked[0][1]
    assert (context.facts.block_bytes, context.facts.entropy_bits, context.flow) == (
        1000,
        5.0,
        "store, depth 2",
    )


def test_results_are_told() -> None:
    advisor = Advisor()
    hints = StorageHints(advisor)
    hints.record_compression(1000, 2, 5.0, "zstd-3", 400, 0.5)
    hints.record_deduplication(DEDUP, dedup.NOTHING, dedup.Outcome(500))
    hints.record("prefetch", PREFETCH, prefetch.NOTHING, prefetch.Outcome(("b",)))
    assert [told[0] for told in advisor.observed] == ["compression", "dedup", "prefetch"]
    assert advisor.observed[0][2:] == (compression.action_named("zstd-3"), compression.Outcome(400, 0.5))
    StorageHints().record("peers", PEERS, GOOD["peers"], None)


def test_nothing_is_saved_where_nothing_is_known() -> None:
    StorageHints().save()
