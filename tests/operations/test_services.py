import shutil
import subprocess
from pathlib import Path

import pytest

from dwcp.operations import service_files

TASK_UNITS = {"dwcp-train@.service": "dwcp-train@toy.service", "dwcp-train@.timer": "dwcp-train@toy.timer"}


def test_systemd_takes_every_file(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed (Debian: systemd)")
    program = tmp_path / "bin with space" / "dwcp"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    names = []
    for service in service_files(program):
        names.append(TASK_UNITS.get(service.name, service.name))
        (tmp_path / names[-1]).write_text(service.text())
    files = [str(tmp_path / name) for name in names]
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True)
    complaints = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "dwcp" in line]
    if "Failed to" in done.stderr and not complaints:
        pytest.skip(f"systemd-analyze cannot run here: {done.stderr.splitlines()[0]}")
    assert not complaints
    assert done.returncode == 0


def test_every_service_is_confined() -> None:
    services = [one for one in service_files(Path("/usr/bin/dwcp")) if "Service" in one.sections]
    assert [one.name for one in services] == [
        "dwcp-serve.service",
        "dwcp-receive.service",
        "dwcp-train@.service",
    ]
    for service in services:
        told = dict(service.sections["Service"])
        assert told["DynamicUser"] == told["NoNewPrivileges"] == told["ProtectHome"] == "yes"
        assert told["ProtectSystem"] == "strict"
        assert told["CapabilityBoundingSet"] == ""
        assert told["ExecStart"].startswith("/usr/bin/dwcp ")


def test_a_path_is_taken_literally() -> None:
    [serve, *_] = service_files(Path("/opt/a b%c$d/dwcp"))
    assert 'ExecStart="/opt/a b%%c$$d/dwcp" serve' in serve.text()
