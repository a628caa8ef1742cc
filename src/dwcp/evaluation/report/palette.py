"""Colours, light and dark. Text has a contrast of 4.5 or more on both surfaces, marks of 3 or more (WCAG).

The eight series colours follow Okabe and Ito's set for colour-blind readers, darkened or lightened to
reach that contrast; every series also has its own marker and dash, so none depends on its colour.
"""

__all__ = ["DARK", "LIGHT", "SERIES", "color_rules"]

SERIES = 8
"""How many series have a look of their own."""

LIGHT: dict[str, str] = {
    "page": "#fbfbf9",
    "surface": "#ffffff",
    "raised": "#f4f4f0",
    "ink": "#191b1f",
    "soft": "#5a606a",
    "rule": "#e2e2dc",
    "grid": "#ebebe6",
    "axis": "#a3a69f",
    "accent": "#0a5fa5",
    "tint": "#eaf2f9",
    "bar": "#7f8a97",
    "good": "#0b6e4f",
    "bad": "#b3401a",
    "note": "#0a5fa5",
    "series-1": "#0a68ad",
    "series-2": "#c4510b",
    "series-3": "#007f5c",
    "series-4": "#a04f8a",
    "series-5": "#8a6d00",
    "series-6": "#54606e",
    "series-7": "#1f8aa8",
    "series-8": "#7a4a2b",
}

DARK: dict[str, str] = {
    "page": "#121417",
    "surface": "#181b1f",
    "raised": "#20242a",
    "ink": "#e9eaec",
    "soft": "#a3aab5",
    "rule": "#2c3138",
    "grid": "#272c32",
    "axis": "#6d7580",
    "accent": "#7fbcf2",
    "tint": "#1b2938",
    "bar": "#7b8694",
    "good": "#5fd0a5",
    "bad": "#f59a73",
    "note": "#7fbcf2",
    "series-1": "#63aee8",
    "series-2": "#f08b4f",
    "series-3": "#42c79f",
    "series-4": "#dc97c6",
    "series-5": "#d9b941",
    "series-6": "#a3afbd",
    "series-7": "#5fd0e6",
    "series-8": "#cf9e7c",
}


def color_rules() -> str:
    """The colours as custom properties: by the reader's preference, or by the page's own switch."""
    light, dark = _properties("light", LIGHT), _properties("dark", DARK)
    return (
        f":root{{{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}"
        f"@media screen{{:root[data-theme=dark]{{{dark}}}}}"
    )


def _properties(scheme: str, colors: dict[str, str]) -> str:
    return f"color-scheme:{scheme};" + "".join(f"--{name}:{value};" for name, value in colors.items())
