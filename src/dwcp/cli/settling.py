"""What becomes of training results: read, published, perhaps champion, or a reason why not."""

from dataclasses import dataclass
from pathlib import Path

from dwcp.cli.publishing import Rivalry, learned_name, promote_if_deserved, publish_draft
from dwcp.errors import DwcpError, StorageError, TrainingError
from dwcp.evaluation import split_by_group
from dwcp.registry import Draft, Registry
from dwcp.training import Job, JobResult, read_draft, resolve_task
from dwcp.training.fit import SHARES

__all__ = ["TARGET", "Settled", "Terms", "settle"]

TARGET = "within_5pct"
"""The figure that a target accuracy is held against."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of the models.

    Attributes:
        target: share of decisions within 5 % of the oracle that must be reached; None for any.
        publish: whether to publish at all.
        replace: whether a better model may replace a standing champion.
    """

    target: float | None
    publish: bool
    replace: bool


@dataclass(slots=True)
class Settled:
    """What came of one task; what went wrong is kept, so that the other tasks are settled as well.

    Attributes:
        task: as the job names it.
        folder: where the result lies; None when training failed.
        error: what went wrong; None when nothing did.
        draft: the trained model; None when it could not be read.
        figure: the share of decisions within 5 % of the oracle.
        short: whether the figure misses the target.
        version: as which it was published; None when it was not.
        promoted: whether it is champion.
        why: why it is, or is not.
    """

    task: str
    folder: Path | None
    error: DwcpError | None = None
    draft: Draft | None = None
    figure: float | None = None
    short: bool = False
    version: str | None = None
    promoted: bool = False
    why: str = ""

    def as_json(self) -> dict[str, object]:
        """As JSON values."""
        return {
            "task": self.task,
            "error": str(self.error) if self.error else None,
            "folder": self.folder,
            "data": self.draft.data if self.draft else None,
            TARGET: self.figure,
            "target_short": self.short,
            "gates": [result.line() for result in self.draft.gates] if self.draft else [],
            "metrics": self.draft.metrics if self.draft else {},
            "version": self.version,
            "promoted": self.promoted,
            "why": self.why,
        }


def settle(registry: Registry, job: Job, result: JobResult, terms: Terms, now: float) -> Settled:
    """Read one result, publish it, and make it champion when it deserves that. Never raises a `DwcpError`."""
    settled = Settled(job.task, result.folder)
    try:
        if result.folder is None:
            _blame_data(job)
            raise TrainingError(result.failure)
        _read(settled, result.folder, job, terms)
        if terms.publish:
            _publish(settled, registry, job, terms, now)
    except StorageError as error:
        settled.error = StorageError(
            f"{error}; the result stands whole, publish it with: dwcp models publish {result.folder}"
        )
    except DwcpError as error:
        settled.error = error
    return settled


def _blame_data(job: Job) -> None:
    """Raise what is wrong with the table, if that is why training failed.

    Raises:
        InputError: the table cannot be read, or cannot be split.
    """
    if job.table is not None:
        split_by_group(job.cases(resolve_task(job.task))[0], SHARES, job.options.seed)


def _read(settled: Settled, folder: Path, job: Job, terms: Terms) -> None:
    draft = read_draft(folder, resolve_task(job.task))
    settled.draft = draft
    settled.figure = draft.metrics[learned_name(draft)].get(TARGET)
    settled.short = terms.target is not None and not (settled.figure or 0.0) >= terms.target


def _publish(settled: Settled, registry: Registry, job: Job, terms: Terms, now: float) -> None:
    assert settled.draft is not None
    ref = publish_draft(registry, settled.draft, why=f"trained on {settled.draft.data}", now=now)
    settled.version = ref.version
    rivalry = Rivalry(job, target_reached=not settled.short, replace=terms.replace)
    decided = promote_if_deserved(registry, resolve_task(job.task), ref, settled.draft, rivalry, now)
    settled.promoted, settled.why = decided.promoted, decided.why
