"""The form that asks a browser for a token. It needs no script."""

from dwcp.serving.page.frame import framed
from dwcp.serving.page.markup import Markup, element

__all__ = ["FIELD", "sign_in_form", "sign_out_form"]

FIELD = "token"
"""The field that has the token."""
_FAULT = "fault"
_HELP = "help"


def sign_in_form(action: str, fault: str = "") -> str:
    """A document with the form.

    Args:
        action: where it is sent.
        fault: what was wrong with the token before; nothing where there was none.
    """
    told = element("p", fault, id=_FAULT, role="alert", class_="fault") if fault else None
    field = element(
        "input",
        type="password",
        id=FIELD,
        name=FIELD,
        required=True,
        autofocus=True,
        autocomplete="current-password",
        spellcheck="false",
        aria_invalid="true" if fault else None,
        aria_describedby=f"{_FAULT} {_HELP}" if fault else _HELP,
    )
    form = element(
        "form",
        told,
        element("label", "Token", for_=FIELD),
        field,
        element("p", "The token of any caller will do. It lets you look, and no more.", id=_HELP),
        element("button", "Sign in", type="submit"),
        method="post",
        action=action,
        class_="card",
    )
    main = element("main", element("h1", "Sign in to DWCP"), form)
    # Said in the title as well: that is what is read out first when the form comes back.
    return framed(f"{'Error: ' if fault else ''}Sign in - DWCP", element("body", main, class_="sign-in"))


def sign_out_form(action: str) -> Markup:
    """The way out, for the page's head.

    Args:
        action: where it is sent.
    """
    return element("form", element("button", "Sign out", type="submit"), method="post", action=action)
