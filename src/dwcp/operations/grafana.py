"""Dashboards as Grafana reads them; needs the SDK that knows its format."""

from itertools import count
from typing import TYPE_CHECKING, TypeVar

from dwcp.errors import ExtraMissingError
from dwcp.operations.panels import TASK, Dashboard, Panel, PanelKind

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import QueryVariable
    from grafana_foundation_sdk.builders.stat import Panel as StatPanel
    from grafana_foundation_sdk.builders.timeseries import Panel as LinesPanel

__all__ = ["grafana_json"]

BuilderT = TypeVar("BuilderT", "StatPanel", "LinesPanel")

_SOURCE = "${source}"
_HEIGHT = 8


def grafana_json(dashboard: Dashboard) -> str:
    """A dashboard as the JSON that Grafana imports.

    Args:
        dashboard: which one.

    Raises:
        ExtraMissingError: the SDK is not installed.
    """
    try:
        from grafana_foundation_sdk.builders import dashboard as builders
        from grafana_foundation_sdk.cog.encoder import JSONEncoder
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "grafana_foundation_sdk":
            raise
        raise ExtraMissingError(
            "dashboards are written by Grafana's SDK, which is not installed: pip install 'dwcp[pipeline]'"
        ) from error
    made = (
        builders.Dashboard(dashboard.title)
        .uid(dashboard.uid)
        .description(dashboard.description)
        .tags(["dwcp"])
        .timezone("browser")
        .refresh("30s")
        .time("now-6h", "now")
        .with_variable(builders.DatasourceVariable("source").label("Prometheus").type("prometheus"))
    )
    if dashboard.by_task:
        made.with_variable(_task_variable())
    ids = count(1)
    for row in dashboard.rows:
        made.with_row(builders.Row(row.title).id(next(ids)))
        for panel in row.panels:
            made.with_panel(_panel(panel).id(next(ids)))
    return f"{JSONEncoder(sort_keys=True, indent=2).encode(made.build())}\n"


def _task_variable() -> "QueryVariable":
    from grafana_foundation_sdk.builders.dashboard import QueryVariable
    from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableRefresh

    return (
        QueryVariable(TASK.removeprefix("$"))
        .label("Task")
        .datasource(DataSourceRef("prometheus", _SOURCE))
        .query("label_values(dwcp_ml_predictions_total, task)")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
    )


def _panel(panel: Panel) -> "StatPanel | LinesPanel":
    from grafana_foundation_sdk.builders.stat import Panel as StatPanel
    from grafana_foundation_sdk.builders.timeseries import Panel as LinesPanel

    if panel.kind is PanelKind.STAT:
        return _filled(StatPanel(), panel)
    lines = _filled(LinesPanel(), panel).line_width(1.5).fill_opacity(8)
    return lines if panel.low is None else lines.axis_soft_min(panel.low)


def _filled(made: BuilderT, panel: Panel) -> BuilderT:
    from grafana_foundation_sdk.builders.prometheus import Dataquery
    from grafana_foundation_sdk.models.dashboard import DataSourceRef, ValueMap, ValueMappingResult

    made.title(panel.title).description(panel.description).unit(panel.unit)
    made.span(panel.span).height(_HEIGHT).datasource(DataSourceRef("prometheus", _SOURCE))
    if panel.names:
        named = {str(figure): ValueMappingResult(text) for figure, text in panel.names}
        made.mappings([ValueMap(named)])
    for number, query in enumerate(panel.queries):
        made.with_target(
            Dataquery().expr(query.expr).legend_format(query.legend).ref_id(chr(ord("A") + number))
        )
    return made
