"""Training the detector. Imported when training only: it needs the training extra."""

from dwcp.tasks.reliability.model.fitted import FittedReliability
from dwcp.tasks.reliability.model.learner import ReliabilityLearner

__all__ = ["FittedReliability", "ReliabilityLearner"]
