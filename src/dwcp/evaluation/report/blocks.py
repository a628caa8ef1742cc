"""The sections that are not charts: prose, facts, key figures and tables."""

import re

from dwcp.evaluation.report.markup import Markup, element, join
from dwcp.evaluation.report.sections import Cell, Column, Facts, KeyFigure, KeyFigures, Prose, Table

__all__ = ["facts_block", "key_figures_block", "prose_block", "table_block"]

_SIGNS = {"good": ("✓", "good: "), "bad": ("✗", "short: "), "note": ("i", "note: ")}


def prose_block(prose: Prose) -> Markup:
    """Paragraphs, in a marked-off box when the tone asks for one."""
    paragraphs = [element("p", text.strip()) for text in re.split(r"\n\s*\n", prose.text) if text.strip()]
    if prose.tone == "plain":
        return element("div", join(paragraphs), class_="prose")
    body = element("div", join(paragraphs))
    return element("div", _sign(prose.tone), body, class_=f"remark {prose.tone}", role="note")


def facts_block(facts: Facts) -> Markup:
    """A description list."""
    caption = element("p", facts.caption, class_="caption") if facts.caption else Markup()
    pairs = (element("div", element("dt", name), element("dd", value)) for name, value in facts.items)
    return element("div", caption, element("dl", join(pairs)), class_="facts")


def key_figures_block(figures: KeyFigures) -> Markup:
    """Tiles side by side."""
    return element("dl", join(_tile(figure) for figure in figures.figures), class_="key-figures")


def table_block(table: Table, class_: str = "table") -> Markup:
    """A table that scrolls sideways by itself where the page is too narrow, by keyboard too."""
    head = join(element("th", c.title, scope="col", class_=c.kind) for c in table.columns)
    rows = (
        element("tr", _row(row, table.columns), class_="focus" if place in table.focus else None)
        for place, row in enumerate(table.rows)
    )
    whole = element(
        "table",
        element("caption", element("span", table.caption)),
        element("thead", element("tr", head)),
        element("tbody", join(rows)),
    )
    return element("div", whole, class_=class_, role="region", aria_label=table.caption, tabindex="0")


def _row(row: tuple[Cell | str, ...], columns: tuple[Column, ...]) -> Markup:
    cells = (cell if isinstance(cell, Cell) else Cell(cell) for cell in row)
    return join(_cell(cell, columns[place], first=place == 0) for place, cell in enumerate(cells))


def _cell(cell: Cell, column: Column, *, first: bool) -> Markup:
    sign = Markup() if cell.tone == "plain" else _sign(cell.tone)
    detail = element("small", cell.detail) if cell.detail else Markup()
    kind = column.kind if cell.tone == "plain" else f"{column.kind} {cell.tone}"
    if first:
        return element("th", sign, cell.text, detail, scope="row", class_=kind)
    return element("td", sign, cell.text, detail, class_=kind)


def _tile(figure: KeyFigure) -> Markup:
    sign = Markup() if figure.tone == "plain" else _sign(figure.tone)
    note = (
        element("dd", sign, element("span", figure.note), class_="note") if figure.note or sign else Markup()
    )
    value = element("dd", figure.value, class_="figure")
    return element("div", element("dt", figure.label), value, note, class_=f"tile {figure.tone}")


def _sign(tone: str) -> Markup:
    sign, words = _SIGNS[tone]
    seen = element("span", sign, class_="sign", aria_hidden="true")
    return join((seen, element("span", words, class_="unseen")))
