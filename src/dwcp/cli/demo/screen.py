"""What the demo shows on a terminal: hints, the seconds of each policy, transfers, and where to go on."""

from collections.abc import Iterable
from pathlib import Path, PurePath

from dwcp.cli.demo.run import Demo
from dwcp.cli.demo.telling import (
    HINT_HEADER,
    MODEL_TITLES,
    Text,
    command_text,
    comparisons_text,
    fixed_text,
    hint_rows,
    link_titles,
    of_model,
    saving_rows,
    second_rows,
    verdict_text,
)
from dwcp.cli.demo.transfer import Transferred
from dwcp.cli.demo.transfer_telling import HEADER, edit_text, left_out_row, run_row, sent_text
from dwcp.cli.output import print_table, say
from dwcp.words import bytes_text

__all__ = ["show"]


def show(done: Demo, page: Path, home_flag: Path | None) -> None:
    """Print the result.

    Args:
        done: what the demo did.
        page: where the report is.
        home_flag: the home, if it was given as a flag: the next command needs it too.
    """
    _show_hints(done)
    for cost_model, title in MODEL_TITLES.items():
        judged = of_model(done.judged, cost_model)
        size = bytes_text(sum(case.context.facts.block_bytes for case in done.parts.unseen))
        say(f"Time for the {size} kept aside, {title}; + is longer than the best possible (oracle)")
        rows = [(name, *map(_compact, cells)) for name, cells in second_rows(judged)]
        _print(("policy", *link_titles(judged)), rows)
        say(f"where {fixed_text(judged)}")
        say()
        say(f"Time that the {done.subject} saves, with 95 % intervals; less than zero is time lost")
        rows = [(name, *map(_compact, cells)) for name, cells in saving_rows(judged, done.subject)]
        _print(("", *link_titles(judged)), rows)
    say(verdict_text(done.learned))
    say(comparisons_text(done))
    say()
    _show_transfers(done.transferred)
    say(f"Report: {page}")
    say(f"Try next: {command_text(home_flag, 'advise FILE --bandwidth-mbps 100')}")


def _show_hints(done: Demo) -> None:
    hints = done.hints
    counts = ", ".join(f"{count:,} {reason}" for reason, count in hints.reasons().items())
    say(f"Asked for {len(hints.asked):,} hints about the blocks kept aside: {counts}")
    median_ms, p99_ms = hints.latency_ms(0.5), hints.latency_ms(0.99)
    say(f"Asking took {median_ms:.2f} ms (median), {p99_ms:.2f} ms (p99). For example, the last one")
    say("with the model switched off:")
    rows = [(PurePath(file).name, *cells) for file, *cells in hint_rows(done)]
    print_table(HINT_HEADER, rows, frozenset({1, 4, 5, 6}))


def _show_transfers(done: Transferred) -> None:
    if done.laid.files:
        say(sent_text(done) + (f"; {edit_text(done)}" if done.update else ""))
    if done.runs:
        rows = [*map(run_row, done.runs), *map(left_out_row, done.left_out)]
        print_table(HEADER, rows, frozenset({1, 2, 3, 4}))
    for problem in done.problems:
        say(problem)


def _print(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    print_table(header, list(rows), frozenset(range(1, len(header))))


def _compact(cell: Text) -> str:
    """Both lines of a cell on one that breaks, if it must, between them."""
    return " ".join(part.replace(" %", "%").replace(", ", ",") for part in cell)
