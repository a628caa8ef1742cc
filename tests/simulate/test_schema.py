import numpy as np
import pytest

import dwcp.simulate
import dwcp.simulate.compression
import dwcp.simulate.links
from dwcp.simulate.links import LINK_KINDS, LinkKind, simulate_link
from dwcp.telemetry.schema import kind_named

LINK_COLUMNS = [
    "throughput_mbps",
    "bandwidth_mbps",
    "rtt_ms",
    "jitter_ms",
    "packet_loss",
    "retransmits",
    "congestion_window",
    "app_limited",
]


@pytest.mark.parametrize("kind", LINK_KINDS)
def test_links_stay_within_the_telemetry_schema(kind: LinkKind) -> None:
    trace = simulate_link(kind, 500, 1.0, np.random.default_rng(1))
    columns = {column.name: column for column in kind_named("link").columns}
    assert trace.link_type in columns["link_type"].categories
    for name in LINK_COLUMNS:
        values, column = getattr(trace, name), columns[name]
        assert values.dtype.name == column.dtype.value
        assert column.low is None or values.min() >= column.low, name
        assert column.high is None or values.max() <= column.high, name


@pytest.mark.parametrize("package", [dwcp.simulate, dwcp.simulate.links, dwcp.simulate.compression])
def test_every_export_is_documented_and_sorted(package: object) -> None:
    names = package.__all__  # type: ignore[attr-defined]
    assert len(set(names)) == len(names)
    for name in names:
        assert hasattr(package, name)
