"""What every document here begins with."""

from dwcp.serving.page.markup import Child, Markup, element

__all__ = ["STYLE", "framed"]

STYLE = "/page/style.css"


def framed(title: str, body: Markup, *head: Child) -> str:
    """A whole document.

    Args:
        title: its title.
        body: its body.
        head: what its head has besides.
    """
    whole_head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("link", rel="stylesheet", href=STYLE),
        element("link", rel="icon", href="data:,"),
        head,
    )
    return f"<!doctype html>\n{element('html', whole_head, body, lang='en')}\n"
