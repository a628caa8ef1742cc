"""The built-in page: every task's models, answers and safety, live. `dwcp.serving.page.routes` serves it."""

from dwcp.serving.page.data import (
    Course,
    DecisionView,
    LatencyView,
    ModelView,
    PageData,
    TaskView,
)
from dwcp.serving.page.snapshot import snapshot

__all__ = [
    "Course",
    "DecisionView",
    "LatencyView",
    "ModelView",
    "PageData",
    "TaskView",
    "snapshot",
]
