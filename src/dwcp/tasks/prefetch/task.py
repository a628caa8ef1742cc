"""The prefetch task, tied together."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from dwcp.errors import SchemaError
from dwcp.evaluation.cache import CacheCounts, LruCache
from dwcp.evaluation.gates import Gate
from dwcp.evaluation.naive import ConstantPolicy
from dwcp.evaluation.oracle import OraclePolicy
from dwcp.evaluation.policy import Case, Policy
from dwcp.evaluation.replay import Replay, replay
from dwcp.features.spec import InputSpec
from dwcp.task import Arrays, Graph, Learner, LearnerKind, OutputColumn, Verdict
from dwcp.tasks.prefetch import inputs
from dwcp.tasks.prefetch.contract import NOTHING, Action, Block, Context, Outcome
from dwcp.tasks.prefetch.network_policy import NetworkPolicy
from dwcp.tasks.prefetch.oracle import cost_reads, wanted
from dwcp.tasks.prefetch.policy import HybridPolicy
from dwcp.tasks.prefetch.rules import (
    AssociationPolicy,
    ChildOrderPolicy,
    MarkovPolicy,
    ReadaheadPolicy,
    StridePolicy,
)

__all__ = ["TASK", "PrefetchTask"]

PrefetchCase = Case[Context, Action, Outcome]
PrefetchPolicy = Policy[Context, Action, Outcome]

_CACHE_SHARE = 0.05


class PrefetchTask:
    """Which blocks to fetch before anybody asks for them."""

    name = "prefetch"
    kind = LearnerKind.ONLINE
    cost_unit = "reads"

    @property
    def input_spec(self) -> InputSpec:
        """What the network is fed."""
        return inputs.SPEC

    @property
    def outputs(self) -> tuple[OutputColumn, ...]:
        """What the network answers."""
        return inputs.OUTPUTS

    @property
    def gates(self) -> tuple[Gate, ...]:
        """What a policy must reach on held-out traces, in a cache of 5 % of their blocks."""
        return (
            Gate("hit_rate_gain", 0.15, "at_least", "hits more than without prefetching, as a share"),
            Gate(
                "precision", 0.60, "at_least", "prefetched blocks that were read before they left the cache"
            ),
        )

    def arrays(self, contexts: Sequence[Context]) -> Arrays:
        """Contexts as the raw arrays of the input specification."""
        return inputs.arrays(contexts)

    def cost(self, context: Context, outcome: Outcome) -> float:
        """Waits for a block; see `cost_reads`."""
        return cost_reads(context, outcome)

    def verdict(self, context: Context, action: Action, outcome: Outcome) -> Verdict:
        """Right where a fetched block was read, or none was to be had; regret is waits and waste."""
        done = Outcome(outcome.accessed, action.blocks)
        needed = bool(wanted(context, outcome.accessed))
        return Verdict(done.used > 0 if needed else not action.blocks, cost_reads(context, done))

    def admissible(self, context: Context, action: Action) -> bool:
        """Whether the action names no block twice, and not too many."""
        return context.admissible(action)

    def fallback(self) -> PrefetchPolicy:
        """Children in the order of the DAG."""
        return ChildOrderPolicy()

    def baselines(self) -> tuple[PrefetchPolicy, ...]:
        """What stores and file systems do."""
        return (
            ConstantPolicy(NOTHING, "none"),
            ReadaheadPolicy(),
            StridePolicy(),
            MarkovPolicy(gated=False),
            MarkovPolicy(gated=True),
            AssociationPolicy(),
        )

    def oracle(self) -> PrefetchPolicy:
        """The next five blocks that were not read just before."""
        return OraclePolicy[Context, Action, Outcome](cost_reads)

    def online(self) -> PrefetchPolicy:
        """The policy that ships: it learns while it serves."""
        return HybridPolicy()

    def learned(self, graph: Graph) -> PrefetchPolicy:
        """The published network."""
        return NetworkPolicy(graph)

    def learner(self) -> Learner:
        """The published network's learner; imports the training libraries."""
        from dwcp.training.extra import training_extra

        with training_extra():
            from dwcp.tasks.prefetch.model import PrefetchLearner

            return PrefetchLearner()

    def cases(self, table: Path) -> list[PrefetchCase]:
        """There are no tables of decisions: traces are read as they are published.

        Raises:
            SchemaError: always.
        """
        raise SchemaError(
            f"{table} cannot be read: prefetching learns while it serves, and is judged on access traces "
            "by the prefetch benchmark"
        )

    def judged(self, cases: Sequence[PrefetchCase]) -> Sequence[PrefetchCase]:
        """Themselves."""
        return cases

    def examples(self, count: int, seed: int) -> list[PrefetchCase]:
        """Simulated decisions."""
        from dwcp.tasks.prefetch.examples import simulated_cases

        return simulated_cases(count, seed)

    def metrics(
        self, cases: Sequence[PrefetchCase], policy: PrefetchPolicy, seed: int
    ) -> Mapping[str, float]:
        """Figures of a cache of 5 % of each trace's blocks, over all traces."""
        done = replay(cases, policy, cost_reads, seed)
        plain, with_prefetch = (_cached(cases, chosen) for chosen in (None, done.chosen))
        gained = sum(c.hits for c in with_prefetch) - sum(c.hits for c in plain)
        used = sum(counts.prefetch_hits for counts in with_prefetch)
        known = used + sum(counts.dropped for counts in with_prefetch)
        missed = sum(counts.accesses - counts.hits for counts in with_prefetch)
        return {
            "mean_cost_reads": float(done.cost.mean()),
            "mean_regret_reads": float((done.cost - done.oracle_cost).mean()),
            "precision_at_5": _precision_at_5(cases, done),
            "spoke_share": sum(bool(action.blocks) for action in done.chosen) / len(cases),
            "hit_rate_gain": gained / max(1, sum(counts.hits for counts in plain)),
            "precision": used / known if known else 1.0,
            "coverage": used / max(1, used + missed),
        }

    def card(self) -> str:
        """The model card."""
        return files(__package__).joinpath("card.md").read_text(encoding="utf-8")


def _cached(cases: Sequence[PrefetchCase], chosen: Sequence[Action] | None) -> list[CacheCounts]:
    """Counts of each group's cache; decisions are in order of time within a group."""
    groups: dict[str, list[int]] = {}
    for row, case in enumerate(cases):
        groups.setdefault(case.group, []).append(row)
    counts = []
    for rows in groups.values():
        reads = [_next_read(cases[row]) for row in rows]
        cache = LruCache[Block](max(1, int(_CACHE_SHARE * len(set(reads)))))
        for row, block in zip(rows, reads, strict=True):
            for fetched in chosen[row].blocks if chosen else ():
                cache.prefetch(fetched)
            cache.access(block)
        counts.append(cache.counts())
    return counts


def _next_read(case: PrefetchCase) -> Block:
    return case.outcomes[NOTHING].accessed[0]


def _precision_at_5(cases: Sequence[PrefetchCase], done: Replay[Action]) -> float:
    """Of the blocks that were named and not read just before, those among the ten next reads."""
    named = used = 0
    for case, action in zip(cases, done.chosen, strict=True):
        outcome = case.outcomes[action]
        named += len(outcome.fetched)
        used += len(set(outcome.fetched).intersection(wanted(case.context, outcome.accessed)))
    return used / named if named else 1.0


TASK = PrefetchTask()
"""What `dwcp.tasks.discover` finds."""
