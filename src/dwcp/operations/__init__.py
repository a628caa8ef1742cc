"""What runs a server besides itself, as typed code: alert rules, dashboards, service files."""

from dwcp.operations.alerts import ALERTS, AlertRule, Severity, rules_file
from dwcp.operations.dashboards import DASHBOARDS
from dwcp.operations.panels import Dashboard, Panel, PanelKind, Query, Row
from dwcp.operations.services import Service, service_files

__all__ = [
    "ALERTS",
    "DASHBOARDS",
    "AlertRule",
    "Dashboard",
    "Panel",
    "PanelKind",
    "Query",
    "Row",
    "Service",
    "Severity",
    "rules_file",
    "service_files",
]
