"""Training the selector. Imported when training only: it needs the training extra."""

from dwcp.tasks.compression.model.fitted import FittedCompression
from dwcp.tasks.compression.model.learner import CompressionLearner

__all__ = ["CompressionLearner", "FittedCompression"]
