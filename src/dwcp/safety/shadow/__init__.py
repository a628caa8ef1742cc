"""Shadow scoring: what a candidate would have done, logged beside what was done, and judged."""

from dwcp.safety.shadow.background import BackgroundFlush, Flushable
from dwcp.safety.shadow.decision import ShadowDecision, ShadowOutcome
from dwcp.safety.shadow.log import ShadowLog, ShadowLogStats, log_files
from dwcp.safety.shadow.reading import BadLine, ShadowRecords, read_shadow_log
from dwcp.safety.shadow.validation import (
    ShadowTarget,
    ShadowVerdict,
    TaskValidation,
    Validation,
    validate_shadow,
)

__all__ = [
    "BackgroundFlush",
    "BadLine",
    "Flushable",
    "ShadowDecision",
    "ShadowLog",
    "ShadowLogStats",
    "ShadowOutcome",
    "ShadowRecords",
    "ShadowTarget",
    "ShadowVerdict",
    "TaskValidation",
    "Validation",
    "log_files",
    "read_shadow_log",
    "validate_shadow",
]
