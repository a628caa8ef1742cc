"""Every dashboard."""

from dwcp.operations.bandwidth_panels import BANDWIDTH
from dwcp.operations.data_plane_panels import DATA_PLANE
from dwcp.operations.learning_panels import LEARNING
from dwcp.operations.panels import Dashboard

__all__ = ["DASHBOARDS"]

DASHBOARDS: tuple[Dashboard, ...] = (LEARNING, BANDWIDTH, DATA_PLANE)
"""In the order in which one reads them."""
