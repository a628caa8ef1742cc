"""The processor: its name and its instruction set."""

import platform
from pathlib import Path

__all__ = ["processor"]


def processor(cpu_facts: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name as the kernel gives it; the machine's kind where it gives none."""
    try:
        lines = cpu_facts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
