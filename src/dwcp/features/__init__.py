"""What models are fed: input specifications with a fingerprint, and transforms that live in the graph."""

from dwcp.features.spec import InputColumn, InputSpec

__all__ = ["InputColumn", "InputSpec"]
