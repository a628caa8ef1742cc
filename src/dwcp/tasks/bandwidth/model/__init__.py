"""The learned forecast: features in the graph, networks, boosted trees as the reference, fitting."""

from dwcp.tasks.bandwidth.model.fitted import FittedForecast
from dwcp.tasks.bandwidth.model.learner import BandwidthLearner
from dwcp.tasks.bandwidth.model.network import NETWORKS
from dwcp.tasks.bandwidth.model.trees import BoostedTrees

__all__ = ["NETWORKS", "BandwidthLearner", "BoostedTrees", "FittedForecast"]
