"""The page: one self-contained HTML file that reaches for nothing outside itself."""

import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files
from itertools import count

from dwcp.evaluation.report.bars import bar_key, bar_panels
from dwcp.evaluation.report.blocks import facts_block, key_figures_block, prose_block, table_block
from dwcp.evaluation.report.lines import line_chart
from dwcp.evaluation.report.markup import Markup, element, join
from dwcp.evaluation.report.palette import color_rules
from dwcp.evaluation.report.scales import number_text
from dwcp.evaluation.report.scatter import scatter_chart
from dwcp.evaluation.report.sections import (
    BarChart,
    Column,
    Facts,
    Heading,
    KeyFigures,
    LineChart,
    Prose,
    Report,
    Scatter,
    Section,
    Table,
)

__all__ = ["render"]


def render(report: Report) -> str:
    """The report as one HTML document; the same report gives the same text.

    It holds its style, script and charts, follows the reader's choice of light or dark, and its own
    content policy forbids it to load anything.
    """
    style = color_rules() + _resource("page.css")
    script = _resource("page.js")
    anchors = _anchors([section for section in report.sections if isinstance(section, Heading)])
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        element("title", report.title),
        element("style", Markup(style)),
    )
    body = element(
        "body",
        element("a", "Skip to the report", class_="skip", href="#content_"),
        _masthead(report),
        element(
            "div",
            _contents(anchors),
            element("main", _sections(report.sections, anchors), id="content_", tabindex="-1"),
            class_="layout",
        ),
        element("script", Markup(script)),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _resource(name: str) -> str:
    return files("dwcp.evaluation.report").joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    digests = [b64encode(sha256(text.encode()).digest()).decode() for text in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{digests[0]}'; script-src 'sha256-{digests[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _masthead(report: Report) -> Markup:
    switch = element("button", "Dark", type="button", id="theme_", hidden="", aria_pressed="false")
    title = element("div", element("h1", report.title), element("p", report.subtitle, class_="subtitle"))
    return element("header", title, switch)


def _anchors(headings: Sequence[Heading]) -> list[tuple[str, Heading]]:
    """An anchor for each heading, unique, and apart from every other id by having no underscore."""
    taken: set[str] = set()
    anchors = []
    for heading in headings:
        slug = re.sub(r"[^a-z0-9]+", "-", heading.text.lower()).strip("-") or "section"
        tries = (slug if number == 1 else f"{slug}-{number}" for number in count(1))
        anchor = next(name for name in tries if name not in taken)
        taken.add(anchor)
        anchors.append((anchor, heading))
    return anchors


def _contents(anchors: list[tuple[str, Heading]]) -> Markup:
    if len(anchors) < 2:
        return Markup()
    lines = (element("li", element("a", heading.text, href=f"#{anchor}")) for anchor, heading in anchors)
    return element("nav", element("ol", join(lines)), aria_label="Contents")


def _sections(sections: Sequence[Section], anchors: list[tuple[str, Heading]]) -> Markup:
    """Blocks wrapped in one section element a heading; what precedes the first heading opens the page."""
    done: list[Markup] = []
    blocks: list[Markup] = []
    name: str | None = None
    upcoming = iter(anchors)
    for place, section in enumerate(sections):
        if isinstance(section, Heading):
            done.append(_section(blocks, name))
            name, _ = next(upcoming)
            blocks = [_heading(section, name)]
        else:
            blocks.append(_block(section, f"figure_{place}"))
    return join((*done, _section(blocks, name)))


def _section(blocks: list[Markup], name: str | None) -> Markup:
    return element("section", join(blocks), aria_labelledby=name) if blocks else Markup()


def _heading(heading: Heading, anchor: str) -> Markup:
    mark = element("a", "#", class_="anchor", href=f"#{anchor}", aria_label=f"Link to {heading.text}")
    lead = element("p", heading.lead, class_="lead") if heading.lead else Markup()
    return join((element("h2", element("span", heading.text, id=anchor), mark), lead))


def _block(section: Section, ident: str) -> Markup:
    match section:
        case Prose():
            return prose_block(section)
        case Facts():
            return facts_block(section)
        case KeyFigures():
            return key_figures_block(section)
        case Table():
            return table_block(section)
        case BarChart():
            return _figure(section, bar_panels(section, ident), bar_key(section), _bar_numbers(section))
        case LineChart():
            return _figure(section, line_chart(section, ident), "", _point_numbers(section))
        case Scatter():
            return _figure(section, scatter_chart(section, ident), "", _point_numbers(section))
        case Heading():
            return _heading(section, ident)


def _figure(chart: BarChart | LineChart | Scatter, drawn: Markup, key: str, numbers: Table) -> Markup:
    caption = element(
        "figcaption",
        element("span", chart.title, class_="figure-title"),
        element("span", chart.description, class_="figure-text"),
    )
    note = element("p", key, class_="key") if key else Markup()
    values = element("details", element("summary", "The numbers"), table_block(numbers, "table plain"))
    return element("figure", caption, drawn, note, values)


def _bar_numbers(chart: BarChart) -> Table:
    rows = [
        (group.name, bar.name, bar.text, _number(bar.low), _number(bar.high))
        for group in chart.groups
        for bar in group.bars
    ]
    return _numbers(chart.title, ("Group", "Bar", "Value", "Low", "High"), rows)


def _point_numbers(chart: LineChart | Scatter) -> Table:
    rows = [
        (series.name, point.label, *(_number(v) for v in (point.x, point.y, point.low, point.high)))
        for series in chart.series
        for point in series.points
    ]
    return _numbers(chart.title, ("Series", "Point", chart.x.title, chart.y.title, "Low", "High"), rows)


def _numbers(title: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """The rows without the columns that are empty throughout; the first two hold names."""
    held = [place for place in range(len(titles)) if any(row[place] for row in rows)]
    columns = tuple(Column(titles[place], "text" if place < 2 else "number") for place in held)
    return Table(f"Numbers of: {title}", columns, tuple(tuple(row[place] for place in held) for row in rows))


def _number(value: float | None) -> str:
    return "" if value is None else number_text(value)
