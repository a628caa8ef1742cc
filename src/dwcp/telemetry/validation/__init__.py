"""Validation: the quality rules, held against tables."""

from dwcp.telemetry.validation.combinations import IMPOSSIBLE, Impossible
from dwcp.telemetry.validation.entry import validate, validate_file, validate_source
from dwcp.telemetry.validation.quarantine import QuarantineWriter
from dwcp.telemetry.validation.report import Finding, ValidationReport
from dwcp.telemetry.validation.validator import MAX_MISSING_SHARE, Validator

__all__ = [
    "IMPOSSIBLE",
    "MAX_MISSING_SHARE",
    "Finding",
    "Impossible",
    "QuarantineWriter",
    "ValidationReport",
    "Validator",
    "validate",
    "validate_file",
    "validate_source",
]
