from pathlib import Path

import pytest

from dwcp.errors import InputError
from dwcp.telemetry import HostReading, check_record, host_fields, read_host

EPOCH_NS = 1_800_000_000 * 10**9


def _proc(folder: Path, stat: str = "cpu  10 0 20 60 10 0 0 0 0 0\ncpu0 1\n") -> Path:
    (folder / "stat").write_text(stat)
    (folder / "meminfo").write_text(
        "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  250 kB\nHugePages_Total:\n"
    )
    disks = ("8 0 sda 1 2 3 4 5 6 7 8 0 900 11 0 0", "8 1 sda1 1 2 3 4 5 6 7 8 0 800 11", "another form")
    (folder / "diskstats").write_text("".join(f"   {disk}\n" for disk in disks))
    return folder


def test_what_procfs_says(tmp_path: Path) -> None:
    found = read_host(_proc(tmp_path))
    assert found == HostReading(30, 100, 1_024_000, 256_000, (("sda", 900), ("sda1", 800)))


def test_the_share_of_an_interval() -> None:
    before = HostReading(30, 100, 1_024_000, 256_000, (("sda", 900), ("sdb", 0)))
    after = HostReading(80, 200, 1_024_000, 512_000, (("sda", 1000), ("sdb", 600), ("sdc", 99_999)))
    fields = host_fields(before, after, 2.0, active_transfers=3)
    assert fields == {
        "cpu_usage": 0.5,
        "memory_usage": 0.5,
        "memory_available_mb": 0.512,
        "disk_io": 0.3,
        "active_transfers": 3,
    }
    check_record("host", EPOCH_NS, fields | {"node_id": "node"})


def test_odd_counters_stay_within_the_schema() -> None:
    before = HostReading(80, 100, 1000, 2000, (("sda", 5000),))
    after = HostReading(70, 110, 1000, 2000, (("sda", 0),))
    fields = host_fields(before, after, 1.0)
    check_record("host", EPOCH_NS, fields | {"node_id": "node"})
    assert (fields["cpu_usage"], fields["memory_usage"], fields["disk_io"]) == (0.0, 0.0, 0.0)
    still = host_fields(before, HostReading(80, 100, 1000, 0, ()), 1.0)
    assert (still["cpu_usage"], still["memory_usage"], still["disk_io"]) == (None, 1.0, None)


def test_this_machine() -> None:
    found = read_host()
    assert 0 < found.memory_available_bytes <= found.memory_total_bytes
    assert 0 < found.busy_ticks < found.total_ticks


@pytest.mark.parametrize("stat", ["", "cpu 1 2 3", "cpu a b c d e f g h"])
def test_what_is_no_procfs(tmp_path: Path, stat: str) -> None:
    with pytest.raises(InputError, match="cannot be read from"):
        read_host(_proc(tmp_path, stat))
    with pytest.raises(InputError, match="cannot be read from"):
        read_host(tmp_path / "nowhere")
