"""The figures of transfers."""

from benchmarks.pages.parts import Lines, Result, gates, link_text, measured_on, percent, table

__all__ = ["races", "transfer"]

OURS = ("dwcp", "dwcp, old version at hand")
"""The rows of a transfer that are held against other tools."""


def transfer(result: Result) -> Lines:
    """Transfers beside other tools and the limit, link by link."""
    figures = result["figures"]
    yield from gates(result)
    yield "![Time over the limit's, by rate](../benchmarks/results/transfer.svg)"
    yield ""
    yield from _races(figures)
    yield from _link_uses(figures)
    for title, sentences in (("Short", figures["short"]), ("Left out", figures["left_out"])):
        if sentences:
            yield from (f"{title}:", "", *(f"- {sentence}" for sentence in sentences), "")
    yield from (definition + "\n" for definition in figures["limits"].values())
    for step in figures["steps"]:
        yield from _transfers(step)
    yield from (f"{name}: {remark}.\n" for name, remark in figures["remarks"].items())
    yield measured_on(result)


def races(result: Result) -> Lines:
    """The short table of transfers: ours beside the quickest other tool, link by link."""
    yield "![Time over the limit's, by rate](benchmarks/results/transfer.svg)"
    yield ""
    yield from _races(result["figures"])
    yield measured_on(result)


def _races(figures: Result) -> Lines:
    yield from table(
        ("link", "data", "limit, s", "dwcp, s", "over the limit", "quickest other", "its s"),
        (_race(step) for step in figures["steps"]),
    )


def _race(step: Result) -> tuple[str, ...]:
    """Ours beside the quickest of the others."""
    own, other = _racers(step)
    return (
        _shape(step),
        step["kind"],
        f"{step['limit']['seconds']:.3f}" if step["limit"] else "–",
        *((f"{own['wall_s']:.3f}", _over(own)) if own else ("–", "–")),
        *((other["peer"].replace("|", "\\|"), f"{other['wall_s']:.3f}") if other else ("–", "–")),
    )


def _racers(step: Result) -> tuple[Result | None, Result | None]:
    """Ours, and the quickest of the others."""
    arrived = sorted((row for row in step["rows"] if not row["problem"]), key=lambda row: row["wall_s"])
    own = next((row for row in arrived if row["peer"] in OURS), None)
    return own, next((row for row in arrived if row["peer"].partition(",")[0] != OURS[0]), None)


def _link_uses(figures: Result) -> Lines:
    """Where the time went: ours beside the quickest other, point by point."""
    yield (
        "Where the time goes, in seconds, as seen at the receiving end of the link: before 1 % of the bytes "
        "had arrived (programs start, shake hands, read), what the rest takes at the link's rate, what it "
        "took beyond that, and after 99 % (write, check, agree, end)."
    )
    yield ""
    header = (
        "link",
        "data",
        "tool",
        "s",
        "before",
        "link full",
        "link not full",
        "after",
        "MB sent",
        "CPU s",
    )
    yield from table(
        header, (_link_use(step, row) for step in figures["steps"] for row in _racers(step) if row)
    )


def _link_use(step: Result, row: Result) -> tuple[str, ...]:
    return (
        _shape(step),
        step["kind"],
        row["peer"].replace("|", "\\|"),
        f"{row['wall_s']:.3f}",
        *(f"{seconds:.3f}" for seconds in row["link_use"].values()),
        f"{row['sent_bytes'] / 1e6:.2f}",
        f"{row['sender_cpu_s'] + row['receiver_cpu_s']:.2f}",
    )


def _transfers(step: Result) -> Lines:
    """All peers of one step, the quickest first."""
    link, alone = step["link"], step["without_network"]
    yield from (f"### {_shape(step)}: {step['kind']}", "")
    yield (
        f"{step['data'][:1].upper()}{step['data'][1:]} ({step['files']:,} files, "
        f"{step['plain_bytes'] / 1e6:.1f} MB). Checked: {link['goodput_mbps']:,.1f} Mbit/s of payload, RTT "
        f"{link['rtt_ms']:g} ms, loss {percent(link['loss'])}, shaped by {step['shaped_by']}. Without a "
        f"network: reading and hashing {alone['read_hash_s']:.3f} s, writing {alone['write_s']:.3f} s, both "
        f"{alone['both_s']:.3f} s."
    )
    yield ""
    yield from table(
        (
            "tool",
            "s",
            "runs",
            "least to most",
            "over the limit",
            "MB sent",
            "CPU s, both ends",
            "resident MB",
        ),
        (_transfer(row) for row in sorted(step["rows"], key=lambda r: (bool(r["problem"]), r["wall_s"]))),
    )


def _transfer(row: Result) -> tuple[str, ...]:
    if row["problem"]:
        return (f"{row['peer']}: {row['problem']}".replace("|", "\\|"), *("–",) * 7)
    times = row["walls_s"]
    return (
        row["peer"].replace("|", "\\|"),
        f"{row['wall_s']:.3f}",
        str(len(times)),
        f"{min(times):.3f} to {max(times):.3f}",
        _over(row),
        f"{row['sent_bytes'] / 1e6:.2f}",
        f"{row['sender_cpu_s']:.2f} + {row['receiver_cpu_s']:.2f}",
        f"{row['resident_mb']:.0f}",
    )


def _over(row: Result) -> str:
    return "–" if row["over_limit"] is None else f"{row['over_limit']:.2f}"


def _shape(step: Result) -> str:
    rate = "unshaped" if step["rate_mbps"] is None else link_text(step["rate_mbps"])
    return f"{rate}, RTT {step['rtt_ms']:g} ms, loss {percent(step['loss'])}, {step['congestion_control']}"
