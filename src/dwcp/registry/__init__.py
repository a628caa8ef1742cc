"""Content-addressed, versioned artifacts: publishing, aliases, verification, export."""

from dwcp.registry.artifact import Artifact, ArtifactRef, check_answers, check_fingerprint
from dwcp.registry.difference import Difference, Pair
from dwcp.registry.draft import Draft
from dwcp.registry.export import Layout
from dwcp.registry.golden import Golden, GoldenResult
from dwcp.registry.journal import ALIASES, History, JournalEntry
from dwcp.registry.manifest import FileDigest, GateRecord, Manifest, OutputRecord
from dwcp.registry.registry import ListedVersion, Registry
from dwcp.registry.verify import Check, Verification

__all__ = [
    "ALIASES",
    "Artifact",
    "ArtifactRef",
    "Check",
    "Difference",
    "Draft",
    "FileDigest",
    "GateRecord",
    "Golden",
    "GoldenResult",
    "History",
    "JournalEntry",
    "Layout",
    "ListedVersion",
    "Manifest",
    "OutputRecord",
    "Pair",
    "Registry",
    "Verification",
    "check_answers",
    "check_fingerprint",
]
