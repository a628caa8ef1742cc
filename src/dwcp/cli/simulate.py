"""``dwcp simulate``: tables of made-up data with documented physics."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.options import JsonFlag, SeedOption
from dwcp.cli.output import print_json, require_writable, say
from dwcp.cli.progress import progress
from dwcp.cli.session import session_of
from dwcp.words import counted

if TYPE_CHECKING:
    from dwcp.tasks.compression.measure import MeasuredBlock

__all__ = ["simulate"]

_OutOption = Annotated[Path, typer.Option(metavar="FILE", help="The Parquet file.", show_default=False)]
_BLOCKS_A_WORD = 1000
_STEPS_AT_ONCE = 65_536

simulate = typer.Typer(
    name="simulate", no_args_is_help=True, help="Write tables of made-up data, for trying things out."
)


@simulate.command()
def compression(
    context: typer.Context,
    samples: Annotated[int, typer.Option(min=1, metavar="N", help="How many blocks.", show_default=False)],
    out: _OutOption,
    seed: SeedOption = 42,
    json: JsonFlag = False,
) -> None:
    """Simulate blocks with the outcome of every codec, as `dwcp measure` would write them.

    Ratios and speeds follow the kind of content, are correlated between codecs, and references age. Figures
    from it say nothing about your data: measure that.

    For example: dwcp simulate compression --samples 100000 --out simulated.parquet
    """
    import numpy as np

    from dwcp.tasks.compression.examples import iterate_simulated_blocks
    from dwcp.tasks.compression.table import write_table

    require_writable(out)
    with progress(session_of(context), "simulating") as show:

        def shown() -> Iterator["MeasuredBlock"]:
            for done, block in enumerate(iterate_simulated_blocks(samples, np.random.default_rng(seed))):
                if done % _BLOCKS_A_WORD == 0:
                    show(done / samples, counted(done, "block"))
                yield block

        rows = write_table(shown(), out)
        show(1.0, counted(rows, "block"))
    _tell(out, rows, counted(rows, "simulated block"), seed, json=json)


@simulate.command()
def links(
    context: typer.Context,
    kind: Annotated[
        str,
        typer.Option(
            metavar="KIND", help="datacenter, metro, wan, cellular or satellite.", show_default=False
        ),
    ],
    seconds: Annotated[
        float, typer.Option(min=0.001, metavar="SECONDS", help="How long.", show_default=False)
    ],
    out: _OutOption,
    step_s: Annotated[
        float, typer.Option(min=0.001, metavar="SECONDS", help="Seconds between two records.")
    ] = 1.0,
    seed: SeedOption = 42,
    json: JsonFlag = False,
) -> None:
    """Simulate the state of a link, in the columns of the telemetry schema.

    Capacity, cross traffic, queues, loss and outages have structure in time; no two seeds give one link.

    For example: dwcp simulate links --kind wan --seconds 3600 --out wan.parquet
    """
    import numpy as np

    from dwcp.cli.link_table import write_link
    from dwcp.errors import InputError
    from dwcp.simulate import LINK_KINDS, LinkSimulator

    known = next((name for name in LINK_KINDS if name == kind), None)
    if known is None:
        raise InputError(f"there is no kind of link {kind!r}; there are {', '.join(LINK_KINDS)}")
    steps = math.floor(seconds / step_s + 1e-9)
    if steps < 1:
        raise InputError(f"{seconds:g} s hold no step of {step_s:g} s; simulate for longer")
    require_writable(out)
    link = LinkSimulator(known, step_s, np.random.default_rng(seed))
    with progress(session_of(context), "simulating") as show:
        sizes = [min(_STEPS_AT_ONCE, steps - done) for done in range(0, steps, _STEPS_AT_ONCE)]
        traces = (link.advance(size) for size in sizes)
        write_link(
            traces, out, f"simulated-{kind}-{seed}", lambda rows: show(rows / steps, counted(rows, "record"))
        )
    _tell(out, steps, f"{counted(steps, 'record')} of a simulated {kind} link", seed, json=json)


def _tell(out: Path, rows: int, what: str, seed: int, *, json: bool) -> None:
    if json:
        print_json({"table": out, "rows": rows, "seed": seed})
    else:
        say(f"{what}, seed {seed}: {out}")
