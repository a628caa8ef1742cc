"""Every policy beside a cache of every size, on one trace; the network is trained on its first half."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from random import Random

import numpy as np

from dwcp.evaluation import Bootstrap, Decision, Interval, Policy, State, ratio_interval
from dwcp.evaluation.cache import CacheCounts, LruCache
from dwcp.simulate.access import Read
from dwcp.task import TrainingOptions
from dwcp.tasks.prefetch.contract import Action, Block, Context, Outcome
from dwcp.tasks.prefetch.examples import cases_of
from dwcp.tasks.prefetch.network_policy import NetworkPolicy
from dwcp.tasks.prefetch.policy import HybridPolicy
from dwcp.tasks.prefetch.task import TASK
from dwcp.tasks.prefetch.watch import Watch, context_after, watch
from dwcp.training.graph import ExportedGraph
from dwcp.training.parity import check_parity

PrefetchPolicy = Policy[Context, Action, Outcome]

CACHE_SHARES = (0.01, 0.05, 0.20)
STRETCHES = 20
NONE, HYBRID, LSTM = "none", "hybrid", ("lstm", "lstm-ungated")
TRAINING_ROWS, EPOCHS = 12_000, 60
TIMED = 2_000
BOOTSTRAP = Bootstrap(seed=11, resamples=1000)


@dataclass(frozen=True)
class Figures:
    """One policy, one cache size, the last half of one trace."""

    policy: str
    cache_share: float
    cache_blocks: int
    hit_rate: float
    precision_at_5: float
    coverage: float
    spoke_share: float
    fetched_per_read: float
    gain: float
    gain_low: float
    gain_high: float
    decide_p50_ms: float
    decide_p99_ms: float
    hits: int
    used: int
    dropped: int


@dataclass(frozen=True)
class Result:
    """All of one trace."""

    trace: str
    reads: int
    blocks: int
    figures: tuple[Figures, ...]
    state_entries: int
    training_s: float

    def of(self, policy: str) -> tuple[Figures, ...]:
        """One policy's, by cache size."""
        return tuple(found for found in self.figures if found.policy == policy)

    def as_json(self) -> dict[str, object]:
        """For the file of results."""
        return asdict(self)


class Foretold:
    """The network's policy, with the graph's answers computed beforehand, all at once."""

    def __init__(self, policy: NetworkPolicy, blocks: np.ndarray, probabilities: np.ndarray) -> None:
        self.name = policy.name
        self._policy = policy
        self._answers = [
            list(zip(*row, strict=True)) for row in zip(blocks.tolist(), probabilities.tolist(), strict=True)
        ]

    def decide(self, context: Context, now: float, rng: Random) -> Decision[Action]:  # noqa: ARG002
        """What the graph said of this read."""
        return self._policy.decode(context, self._answers[int(now)])

    def observe(self, context: Context, action: Action, outcome: Outcome, now: float) -> None:
        """As the network's policy does."""
        self._policy.observe(context, action, outcome, now)

    def snapshot(self) -> State:
        """As the network's policy does."""
        return self._policy.snapshot()

    def restore(self, state: State) -> None:
        """As the network's policy does."""
        self._policy.restore(state)


class NoGraph:
    """Stands where no graph is asked."""

    def run(self, arrays: object) -> dict[str, np.ndarray]:  # noqa: ARG002
        """Nobody should."""
        raise AssertionError("the answers were computed beforehand")


def run_trace(name: str, reads: Sequence[Read], with_network: bool) -> Result:
    """Judge every policy on the last half; what they learn before it, and during it, is the past."""
    half = len(reads) // 2
    edges = [half + (len(reads) - half) * part // STRETCHES for part in range(STRETCHES + 1)]
    unique = len({read.block for read in reads})
    started = time.perf_counter()
    network = train(reads[:half]) if with_network else None
    training_s = time.perf_counter() - started
    answers = None if network is None else foretell(network, reads)
    found: list[Figures] = []
    entries = 0
    for share in CACHE_SHARES:
        cache_blocks = max(1, int(share * unique))
        plain: Watch | None = None
        for policy in policies(answers):
            watched = watch(
                reads, policy, LruCache[Block](cache_blocks), cache_blocks, edges, time.perf_counter_ns
            )
            plain = plain or watched
            found.append(figures(policy.name, share, cache_blocks, watched, plain))
            entries = max(entries, len(policy) if isinstance(policy, HybridPolicy) else 0)
    if network is not None:
        found = [timed(network, reads, one) if one.policy in LSTM else one for one in found]
    return Result(name, len(reads), unique, tuple(found), entries, training_s)


def policies(answers: tuple[np.ndarray, np.ndarray] | None) -> list[PrefetchPolicy]:
    """Each anew, with nothing learned; no prefetching comes first."""
    made = [*TASK.baselines(), TASK.fallback(), TASK.online()]
    if answers is not None:
        blocks, probabilities = answers
        made += [
            Foretold(NetworkPolicy(NoGraph(), name, least), blocks, probabilities)
            for name, least in zip(LSTM, (0.6, 0.0), strict=True)
        ]
    return made


def train(reads: Sequence[Read]) -> bytes:
    """The published network, fitted to the latest of these reads; the last fifth tells when to stop."""
    cases = list(cases_of(reads, "trace"))[-TRAINING_ROWS * 5 // 4 :]
    cut = len(cases) * 4 // 5
    fitted = TASK.learner().fit(cases[:cut], cases[cut:], TrainingOptions(epochs=EPOCHS), lambda *_: None)
    content = fitted.to_onnx()
    check_parity(fitted, content, TASK.arrays([case.context for case in cases[-64:]]), 1e-4)
    return content


def foretell(content: bytes, reads: Sequence[Read]) -> tuple[np.ndarray, np.ndarray]:
    """The graph's answer after every read."""
    graph = ExportedGraph(content)
    parts = []
    for begin in range(0, len(reads), 1024):
        contexts = [context_after(reads, at, 0) for at in range(begin, min(begin + 1024, len(reads)))]
        parts.append(graph.run(TASK.arrays(contexts)))
    return tuple(np.concatenate([part[name] for part in parts]) for name in ("block", "probability"))  # type: ignore[return-value]


def timed(content: bytes, reads: Sequence[Read], found: Figures) -> Figures:
    """The figures with what a decision takes that runs the graph."""
    policy = NetworkPolicy(ExportedGraph(content))
    taken_ms = []
    for at in range(len(reads) - min(TIMED, len(reads)), len(reads)):
        context = context_after(reads, at, 0)
        started = time.perf_counter_ns()
        policy.decide(context, 0.0, Random(0))
        taken_ms.append((time.perf_counter_ns() - started) / 1e6)
    p50, p99 = np.quantile(taken_ms, [0.5, 0.99])
    return Figures(**(asdict(found) | {"decide_p50_ms": float(p50), "decide_p99_ms": float(p99)}))


def figures(name: str, share: float, cache_blocks: int, watched: Watch, plain: Watch) -> Figures:
    """What the stretches add up to; the gain with its interval over stretches."""
    counts = total(watched.stretches)
    gain = gained(watched, plain)
    p50, p99 = np.quantile(watched.decide_us, [0.5, 0.99]) / 1e3
    return Figures(
        policy=name,
        cache_share=share,
        cache_blocks=cache_blocks,
        hit_rate=counts.hit_rate,
        precision_at_5=counts.precision,
        coverage=counts.coverage,
        spoke_share=watched.spoke / max(1, watched.decisions),
        fetched_per_read=counts.fetched / max(1, counts.accesses),
        gain=gain.estimate,
        gain_low=gain.low,
        gain_high=gain.high,
        decide_p50_ms=float(p50),
        decide_p99_ms=float(p99),
        hits=counts.hits,
        used=counts.prefetch_hits,
        dropped=counts.dropped,
    )


def total(stretches: Sequence[CacheCounts]) -> CacheCounts:
    """The sum."""
    names = CacheCounts.__dataclass_fields__
    return CacheCounts(*(sum(getattr(counts, name) for counts in stretches) for name in names))


def gained(watched: Watch, plain: Watch) -> Interval:
    """Hit rate above no prefetching, stretch by stretch."""
    pairs = list(zip(watched.stretches, plain.stretches, strict=True))
    more = [mine.hits - theirs.hits for mine, theirs in pairs]
    reads = [mine.accesses for mine, _ in pairs]
    return ratio_interval(more, reads, [str(at) for at in range(len(pairs))], BOOTSTRAP)
