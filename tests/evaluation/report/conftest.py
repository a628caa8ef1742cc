import pytest

from dwcp.evaluation.report import (
    Axis,
    Bar,
    BarChart,
    BarGroup,
    Cell,
    Column,
    Facts,
    Heading,
    KeyFigure,
    KeyFigures,
    LineChart,
    Point,
    Prose,
    Report,
    Scatter,
    Series,
    Table,
)

_SECONDS = {
    "10 Mbit/s": ((371.2, "bound"), (373.9, "focus"), (388.4, "plain"), (402.0, "plain"), (431.6, "plain")),
    "100 Mbit/s": ((39.8, "bound"), (40.1, "focus"), (42.7, "plain"), (44.9, "plain"), (46.2, "plain")),
    "1,000 Mbit/s": ((7.21, "bound"), (7.30, "focus"), (7.64, "plain"), (8.81, "plain"), (9.43, "plain")),
    "10,000 Mbit/s": ((1.62, "bound"), (1.64, "focus"), (1.71, "plain"), (1.83, "plain"), (6.92, "plain")),
}
_NAMES = ("Oracle", "Selector", "Fallback", "Best fixed (zstd-6)", "zstd-3")

_CODECS = {
    "zstd": (
        ("zstd -5", 2.1, 610),
        ("zstd 1", 2.72, 468),
        ("zstd 3", 3.05, 312),
        ("zstd 6", 3.31, 121),
        ("zstd 9", 3.44, 71),
        ("zstd 19", 3.92, 3.4),
    ),
    "lz4": (("lz4", 1.98, 742), ("lz4 hc 4", 2.41, 104), ("lz4 hc 9", 2.52, 46)),
    "snappy": (("snappy", 1.92, 655),),
    "delta": (("delta 3", 48.0, 348),),
    "none": (("none", 1.0, 9800),),
}


@pytest.fixture(scope="session")
def sample() -> Report:
    return Report(
        "Choosing a codec for the link",
        "What a trained selector saves over fixed codecs on files it has never seen, on one machine.",
        (
            KeyFigures(
                (
                    KeyFigure("Within 5 % of the oracle", "98.9 %", "gate: at least 98 %", "good"),
                    KeyFigure("Mean regret", "0.71 %", "gate: at most 1 %", "good"),
                    KeyFigure("Gain over zstd-3", "13.4 %", "at 10 Mbit/s; gate: above 10 %", "good"),
                    KeyFigure("Macro F1", "0.931", "gate: at least 0.95", "bad"),
                )
            ),
            Heading("Seconds to send", "Everything in the held-out files, over four links."),
            Prose(
                "Each panel is one link. The oracle knows in hindsight what every codec would have taken on "
                "every block; nothing can be faster. The selector knows what is known before the choice.\n\n"
                "The fixed codec was chosen on the training files."
            ),
            _bar_chart(),
            Table(
                "Policies on the same 4,812 decisions. Data: measured, 37 held-out files.",
                (
                    Column("Policy", "text"),
                    Column("Total"),
                    Column("Within 5 %"),
                    Column("Mean regret"),
                    Column("p99 regret"),
                    Column("Gain over zstd-3"),
                ),
                (
                    ("Oracle", "419.8 s", "100 %", "0 %", "0 %", "14.9 %"),
                    (
                        "Selector",
                        Cell("422.9 s", "[401.2, 446.0]"),
                        Cell("98.9 %", "[98.1, 99.4]", "good"),
                        Cell("0.71 %", "[0.52, 0.97]", "good"),
                        "6.2 %",
                        Cell("14.3 %", "[11.8, 16.9]"),
                    ),
                    (
                        "Fallback",
                        Cell("440.5 s", "[418.7, 463.3]"),
                        Cell("91.2 %", "[88.0, 93.9]"),
                        Cell("2.94 %", "[2.1, 4.0]"),
                        "19.8 %",
                        Cell("10.7 %", "[8.9, 12.8]"),
                    ),
                    (
                        "Best fixed (zstd-6)",
                        Cell("457.5 s", "[430.3, 489.1]"),
                        Cell("74.6 %", "[69.9, 79.0]"),
                        Cell("8.82 %", "[6.9, 11.2]"),
                        "41.0 %",
                        Cell("7.26 %", "[4.4, 9.7]"),
                    ),
                    (
                        "zstd-3",
                        Cell("493.3 s", "[461.0, 530.8]"),
                        Cell("61.0 %", "[55.2, 66.4]"),
                        Cell("14.1 %", "[11.3, 17.6]"),
                        "58.3 %",
                        "0 %",
                    ),
                ),
                frozenset({1}),
            ),
            Prose(
                "Macro F1 is short of its gate. Two measuring runs of the same blocks agree on 91.3 % of "
                "strict labels, so near-ties explain most of what is missing.",
                "note",
            ),
            Heading("Regret along the link"),
            LineChart(
                "Mean regret by link speed",
                "The selector stays near one percent on every link; fixed codecs fit one speed only.",
                Axis("Link speed, Mbit/s", "log"),
                Axis("Mean regret, %", "log"),
                (
                    _series("Selector", (0.72, 0.75, 1.2, 1.1)),
                    _series("Fallback", (4.6, 7.2, 5.9, 5.5)),
                    _series("Best fixed (zstd-6)", (8.2, 12.8, 22.0, 13.0)),
                    _series("zstd-3", (16.2, 16.0, 30.7, 327.0)),
                ),
            ),
            Heading("What each codec does", "Ratio against speed, one core, over all held-out blocks."),
            Scatter(
                "Ratio and speed of the candidates",
                "Right is smaller output, up is faster. The delta codec needs a previous version.",
                Axis("Compression ratio", "log"),
                Axis("Speed, MB/s", "log"),
                tuple(
                    Series(name, tuple(Point(x, y, label) for label, x, y in points))
                    for name, points in _CODECS.items()
                ),
            ),
            Heading("Where decisions differ"),
            Table(
                "Cheapest and chosen action where they differ, dearest first.",
                (
                    Column("Cheapest", "text"),
                    Column("Chosen", "text"),
                    Column("Decisions"),
                    Column("Extra seconds"),
                ),
                (
                    ("zstd 3", "zstd 6", "41", "1.32"),
                    ("none", "lz4", "18", "0.74"),
                    ("zstd 1", "lz4", "12", "0.31"),
                ),
            ),
            Heading("Machine and data"),
            Facts(
                (
                    ("Processor", "2 cores, AVX2"),
                    ("Python", "3.11.7"),
                    ("Files", "37 held out of 251"),
                    ("Blocks", "4,812 of 1 MiB"),
                    ("Held out by", "file family"),
                    ("Seed", "42"),
                    ("Model", "compression 1.0.0"),
                    ("Measured", "best of three runs, thread CPU time"),
                )
            ),
        ),
    )


def _bar_chart() -> BarChart:
    groups = tuple(
        BarGroup(
            name,
            tuple(
                Bar(
                    label,
                    value,
                    f"{value:g} s",
                    None if role == "bound" else value * 0.95,
                    None if role == "bound" else value * 1.06,
                    role,
                )
                for label, (value, role) in zip(_NAMES, bars, strict=True)
            ),
        )
        for name, bars in _SECONDS.items()
    )
    return BarChart(
        "Seconds by policy and link speed",
        "The selector is within two percent of the oracle on every link; zstd-3 loses most on the last.",
        "seconds",
        groups,
    )


def _series(name: str, values: tuple[float, ...]) -> Series:
    speeds = (10.0, 100.0, 1000.0, 10000.0)
    return Series(
        name, tuple(Point(x, y, "", y * 0.8, y * 1.25) for x, y in zip(speeds, values, strict=True))
    )
