"""The figures in README.md and docs/results.md: written from ``benchmarks/results/*.json``, never by hand.

Run: ``make docs`` after a benchmark, which calls it with ``--write``; ``--check`` says which page is stale.

A page holds pairs of markers, ``<!-- results:NAME -->`` and ``<!-- /results:NAME -->``; what stands between
them is replaced. A benchmark that has not been run yet is named with the command that runs it.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.pages.bandwidth import bandwidth
from benchmarks.pages.compression import compression, hde, summary
from benchmarks.pages.detection import consensus, live, nodes
from benchmarks.pages.forecasts import modes, steered
from benchmarks.pages.parts import Lines, Result
from benchmarks.pages.serving import batches, hint, serving
from benchmarks.pages.storage import dedup, prefetch, sizes, storage
from benchmarks.pages.transfer import races, transfer

from dwcp.errors import DwcpError, InputError
from dwcp.evaluation import atomic_write

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
PAGES = (ROOT / "README.md", ROOT / "docs" / "results.md")

MARKED = re.compile(r"<!-- results:([a-z]+) -->\n(?:.*?\n)??<!-- /results:\1 -->", re.DOTALL)


def main(
    arguments: Sequence[str] | None = None, pages: Sequence[Path] = PAGES, results: Path = RESULTS
) -> int:
    """Write the pages or check them; the exit code is 1 when a page is stale, 2 when one cannot be made."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="write the figures into the pages")
    mode.add_argument("--check", action="store_true", help="only say which pages are stale")
    options = parser.parse_args(arguments)
    stale = []
    try:
        for page in pages:
            before = page.read_text(encoding="utf-8")
            after = filled(before, results)
            if after != before:
                stale.append(page)
                if options.write:
                    atomic_write(page, after.encode())
    except (DwcpError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.write:
        return 0
    for page in stale:
        print(f"{page} is stale: run make docs", file=sys.stderr)
    return 1 if stale else 0


def filled(page: str, results: Path) -> str:
    """The page with everything between its markers made anew.

    Raises:
        InputError: a marker names no section, or a result is not as its benchmark writes it.
    """
    return MARKED.sub(lambda found: _between(found[1], results), page)


def _between(name: str, results: Path) -> str:
    if name not in SECTIONS:
        raise InputError(f"there is no section {name!r} to write; there are {', '.join(SECTIONS)}")
    benchmark, lines = SECTIONS[name]
    file = results / f"{benchmark}.json"
    if file.exists():
        text = "\n".join(_read(file, lines)).strip("\n")
    else:
        text = f"*Not measured yet: `make bench-{benchmark}` measures it.*"
    return f"<!-- results:{name} -->\n{text}\n<!-- /results:{name} -->"


def _read(file: Path, lines: Callable[[Result], Lines]) -> list[str]:
    try:
        return list(lines(json.loads(file.read_bytes())))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise InputError(f"{file} is not as its benchmark writes it: {error!r}; run that again") from error


SECTIONS: Mapping[str, tuple[str, Callable[[Result], Lines]]] = {
    "summary": ("compression", summary),
    "compression": ("compression", compression),
    "hde": ("hde", hde),
    "serving": ("serving", serving),
    "hint": ("hint", hint),
    "batches": ("hint-batches", batches),
    "races": ("transfer", races),
    "transfer": ("transfer", transfer),
    "stores": ("storage", sizes),
    "storage": ("storage", storage),
    "dedup": ("dedup-index", dedup),
    "prefetch": ("prefetch", prefetch),
    "bandwidth": ("bandwidth", bandwidth),
    "modes": ("bandwidth-modes", modes),
    "steered": ("transfer-forecast", steered),
    "consensus": ("anomaly-consensus", consensus),
    "nodes": ("anomaly-nodes", nodes),
    "live": ("anomaly-live", live),
}
"""Section name to benchmark and what writes the section."""


if __name__ == "__main__":
    sys.exit(main())
