"""A training job: which task, on what, with which options, as text that a worker process is given."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from dwcp.errors import InputError
from dwcp.evaluation import Case
from dwcp.task import Task, TrainingOptions

__all__ = ["Job", "resolve_task"]


@dataclass(frozen=True, slots=True)
class Job:
    """One task to train.

    Attributes:
        task: a task's name, or ``module:attribute`` for a task that lives elsewhere.
        options: what the learner is told; ``extra`` holds JSON values.
        table: recorded cases, written by the task's measuring or simulating command; None to simulate.
        examples: how many cases to simulate when there is no table.
    """

    task: str
    options: TrainingOptions = field(default_factory=TrainingOptions)
    table: Path | None = None
    examples: int = 2000

    def to_json(self) -> str:
        """The job as one line of text.

        Raises:
            InputError: ``options.extra`` holds something that is not JSON.
        """
        table = None if self.table is None else str(self.table.resolve())
        try:
            return json.dumps(asdict(self) | {"table": table}, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InputError(f"the options of {self.task} cannot be written as JSON: {error}") from error

    @classmethod
    def from_json(cls, text: str) -> "Job":
        """Read `to_json` back."""
        plain = json.loads(text)
        table = None if plain["table"] is None else Path(plain["table"])
        return cls(plain["task"], TrainingOptions(**plain["options"]), table, plain["examples"])

    def cases(self, task: Task) -> tuple[Sequence[Case[Any, Any, Any]], str]:
        """The job's cases, and in words what they are.

        Raises:
            SchemaError: the table is not one of this task.
        """
        if self.table is None:
            cases = task.examples(self.examples, self.options.seed)
            return cases, f"{len(cases)} simulated cases, seed {self.options.seed}"
        cases = task.cases(self.table)
        return cases, f"{len(cases)} recorded cases of {self.table.name}"


def resolve_task(reference: str) -> Task:
    """The task a job names.

    Raises:
        InputError: there is no such task; the message lists those there are.
    """
    module, _, attribute = reference.partition(":")
    if attribute:
        try:
            return cast("Task", getattr(import_module(module), attribute))
        except (ImportError, AttributeError) as error:
            raise InputError(f"there is no task {reference!r}: {error}") from error
    tasks: dict[str, Task] = import_module("dwcp.tasks").discover()
    if reference not in tasks:
        raise InputError(f"there is no task {reference!r}; there are {', '.join(sorted(tasks))}")
    return tasks[reference]
