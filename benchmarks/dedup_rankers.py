"""Rules and a learned ranker on real versions: which candidate to make a delta against, if any."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from benchmarks.storage.sets import VersionSet
from rich.console import Console
from rich.table import Table

from dwcp.codecs import Delta, Reference
from dwcp.evaluation import Case, Policy
from dwcp.serving import Hint, Reason
from dwcp.storage import MemoryBackend, StorageHints, Store
from dwcp.tasks.dedup.contract import Action, Context, Outcome
from dwcp.tasks.dedup.model import fit_ranker
from dwcp.tasks.dedup.oracle import outcomes_of
from dwcp.tasks.dedup.similar import SimilarBlocksFile
from dwcp.tasks.dedup.task import TASK

__all__ = ["judged_sets", "show_sets"]

_DELTA = Delta(3)
_SEED = 7
DedupCase = Case[Context, Action, Outcome]
Figures = Mapping[str, Mapping[str, float]]


class Contexts:
    """An advisor that gives no hint, and remembers what it was asked about."""

    def __init__(self) -> None:
        self.seen: list[Context] = []

    def ask(self, task_name: str, context: Any) -> Hint[Any]:  # noqa: ARG002
        """No hint."""
        return Hint(None, Reason.FALLBACK_NO_MODEL, 0.0, None)

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None:  # noqa: ARG002
        """Remember the context."""
        if isinstance(context, Context):
            self.seen.append(context)


def judged_sets(sets: Sequence[VersionSet]) -> dict[str, Figures]:
    """Every policy on every set; the ranker is fitted to the other sets."""
    cases = {one.name: measured(one) for one in sets}
    cases = {name: rows for name, rows in cases.items() if rows}
    return {name: dict(_judged(name, cases)) for name in cases}


def measured(versions: VersionSet) -> list[DedupCase]:
    """A case for each new chunk for which something alike was found, every delta made."""
    contexts = Contexts()
    cases = []
    with Store.create(MemoryBackend()) as store:
        store.hints = StorageHints(contexts, SimilarBlocksFile(None))
        for number, folder in enumerate(versions.versions):
            store.put(folder, number)
        for position, context in enumerate(contexts.seen):
            plain = store.get_block(context.block_id)
            deltas = {
                one.base: len(_DELTA.encode(plain, Reference(one.base, store.get_block(one.base))))
                for one in context.candidates
            }
            outcomes = outcomes_of(context, deltas)
            cases.append(Case(context, outcomes, versions.name, float(position)))
    return cases


def show_sets(sets: Mapping[str, Figures]) -> None:
    """One table a set."""
    for name, figures in sets.items():
        table = Table(title=name, title_justify="left")
        table.add_column("policy")
        for heading in ("saved", "regret", "useless", "deltas a block"):
            table.add_column(heading, justify="right")
        for policy, row in figures.items():
            table.add_row(
                policy,
                f"{row['saved_share']:.3f}",
                f"{row['mean_regret']:.3f}",
                f"{row['useless_share']:.3f}",
                f"{row['trials_a_block']:.2f}",
            )
        Console().print(table)


def _judged(name: str, cases: Mapping[str, Sequence[DedupCase]]) -> list[tuple[str, Mapping[str, float]]]:
    policies: list[Policy[Context, Action, Outcome]] = [TASK.fallback(), *TASK.baselines(), TASK.oracle()]
    others = [rows for other, rows in cases.items() if other != name]
    if len(others) > 1:
        train, validation = (list(chain(*others[first::2])) for first in (0, 1))
        policies.append(fit_ranker(train, validation))
    return [(policy.name, TASK.metrics(cases[name], policy, _SEED)) for policy in policies]
