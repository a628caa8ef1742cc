import math

import pytest

from dwcp.errors import SchemaError
from dwcp.telemetry.sources.etcd import Sample, samples, totals


def test_every_form_of_a_sample_is_read() -> None:
    text = (
        "# HELP a what a is\n# TYPE a counter\n\n"
        "a 1\n"
        'b{x="1",le="+Inf"} 2.5e+06 1395066363000\r\n'
        'c{path="C:\\\\D\\"IR\\nEND {a}"} -Inf\n'
        "d NaN\n"
        "   \n"
    )
    found = list(samples(text))
    assert found[:3] == [
        Sample("a", (), 1.0),
        Sample("b", (("x", "1"), ("le", "+Inf")), 2.5e6),
        Sample("c", (("path", 'C:\\D"IR\nEND {a}'),), -math.inf),
    ]
    assert found[3].name == "d"
    assert math.isnan(found[3].value)
    assert len(found) == 4


def test_totals_sum_over_labels_and_look_at_no_other_line(metrics: str) -> None:
    found = totals(
        metrics + "\nbroken line {\n", {"etcd_network_active_peers", "etcd_server_has_leader", "no"}
    )
    assert found == {"etcd_network_active_peers": 2.0, "etcd_server_has_leader": 1.0}


@pytest.mark.parametrize(
    "line", ["<html>", "a", "a one", 'a{x="1} 2', "a{x=1} 2", "1a 2", "a 1 2 3", "a 1_0"]
)
def test_a_line_that_is_no_sample_is_named(line: str) -> None:
    with pytest.raises(SchemaError, match=r"line 2 is no Prometheus sample.*/metrics\?"):
        list(samples(f"ok 1\n{line}\n"))
