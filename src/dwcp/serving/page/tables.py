"""Tables and marks."""

from collections.abc import Collection, Sequence

from dwcp.serving.page.markup import Child, Markup, element

__all__ = ["badge", "table"]


def table(
    caption: str,
    head: Sequence[str],
    rows: Sequence[Sequence[Child]],
    *,
    numbers: Collection[int] = (),
    kind: str = "",
) -> Markup:
    """A table. Where there is little room its rows are stacked, and it says by roles that it still is one.

    Args:
        caption: what it shows; read out, not shown, as a heading stands above.
        head: of the columns.
        rows: the first cell of each is its head.
        numbers: positions of columns that are set to the right.
        kind: its class, where its rows are not to be stacked.
    """
    titles = [
        element("th", title, scope="col", role="columnheader", class_=_kind(at, numbers))
        for at, title in enumerate(head)
    ]
    body = [
        element("tr", [_cell(at, head[at], cell, numbers) for at, cell in enumerate(row)], role="row")
        for row in rows
    ]
    return element(
        "div",
        element(
            "table",
            element("caption", caption, class_="hidden"),
            element("thead", element("tr", titles, role="row"), role="rowgroup"),
            element("tbody", body, role="rowgroup"),
            class_=kind or "stacked",
            role="table",
        ),
        class_="scroll",
    )


def badge(text: str, *, alarming: bool = False) -> Markup:
    """A state in a frame; filled where somebody should look."""
    return element("span", text, class_="badge alarming" if alarming else "badge")


def _cell(at: int, title: str, cell: Child, numbers: Collection[int]) -> Markup:
    if at == 0:
        return element("th", cell, scope="row", role="rowheader")
    return element("td", cell, class_=_kind(at, numbers), role="cell", data_title=title)


def _kind(at: int, numbers: Collection[int]) -> str | None:
    return "number" if at in numbers else None
