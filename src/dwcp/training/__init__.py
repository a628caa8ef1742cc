"""Training: fit, export with a parity check, report; many tasks side by side in processes of their own."""

from dwcp.training.files import read_draft, write_result
from dwcp.training.fit import TrainingResult, train_task
from dwcp.training.jobs import Job, resolve_task
from dwcp.training.orchestrate import JobResult, TaskProgress, train_all
from dwcp.training.parity import check_parity
from dwcp.training.report import TrainingReport, Verdict

__all__ = [
    "Job",
    "JobResult",
    "TaskProgress",
    "TrainingReport",
    "TrainingResult",
    "Verdict",
    "check_parity",
    "read_draft",
    "resolve_task",
    "train_all",
    "train_task",
    "write_result",
]
