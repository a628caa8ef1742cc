"""What a dashboard is, whatever draws it."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["RATE_INTERVAL", "TASK", "Dashboard", "Panel", "PanelKind", "Query", "Row", "quantile"]

RATE_INTERVAL = "$__rate_interval"
"""Stands for a span that holds several scrapes."""
TASK = "$task"
"""Stands for the tasks that are chosen, as a regular expression."""


class PanelKind(StrEnum):
    """How figures are drawn."""

    LINES = "lines"
    STAT = "stat"


@dataclass(frozen=True, slots=True)
class Query:
    """A query (PromQL), and what its series are called: label names in double braces."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes:
        title: what it shows.
        description: what it means.
        unit: as Grafana names units, e.g. ``ms``.
        queries: what is drawn.
        kind: how.
        span: its width, of 24.
        low: where its axis begins; None leaves that to the figures.
        names: figures that stand for something, with that.
    """

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: PanelKind = PanelKind.LINES
    span: int = 8
    low: float | None = 0.0
    names: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard.

    Attributes:
        uid: stays the same from one release to the next; also the name of its file.
        title: what it is called.
        description: what it is for.
        rows: from top to bottom.
        by_task: whether tasks can be chosen.
    """

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    by_task: bool = False

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Every panel."""
        return tuple(panel for row in self.rows for panel in row.panels)


def quantile(share: float, metric: str, by: str = "", where: str = "") -> str:
    """The query for a quantile of a histogram.

    Args:
        share: inside (0, 1).
        metric: the histogram, without ``_bucket``.
        by: labels that tell series apart, with commas between.
        where: which series, as in braces.
    """
    labels = f"{by}, le" if by else "le"
    chosen = f"{{{where}}}" if where else ""
    rates = f"rate({metric}_bucket{chosen}[{RATE_INTERVAL}])"
    return f"histogram_quantile({share:g}, sum by ({labels}) ({rates}))"
