"""Runs a script and says what it used. Small, because Linux counts a parent's memory as its child's.

Run: ``python -I -S launch.py REPORT SCRIPT``; the report is JSON: exit status, seconds, peak memory in KiB.
"""

import json
import os
import subprocess
import sys
import time

report, script = sys.argv[1:]
started_s = time.monotonic()
process = subprocess.Popen(["bash", "-c", script], stdin=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
used = {
    "status": os.waitstatus_to_exitcode(status),
    "wall_s": time.monotonic() - started_s,
    "cpu_s": usage.ru_utime + usage.ru_stime,
    "peak_kib": usage.ru_maxrss,
}
with open(report, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is memory as well
    json.dump(used, file)
