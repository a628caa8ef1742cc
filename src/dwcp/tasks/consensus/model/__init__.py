"""Training the detector. Imported when training only: it needs the training extra."""

from dwcp.tasks.consensus.model.fitted import FittedConsensus
from dwcp.tasks.consensus.model.learner import ConsensusLearner

__all__ = ["ConsensusLearner", "FittedConsensus"]
