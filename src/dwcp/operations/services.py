"""Service files for systemd: the server, the receiver, and training again by a timer.

All run as one user that systemd makes when it is needed, with one folder of their own, and may do nothing
besides: no new rights, no other folder to write to, no devices, no kernel settings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Service", "service_files"]

Setting = tuple[str, str]

_STATE = "/var/lib/dwcp"
_COMMON: tuple[Setting, ...] = (
    ("User", "dwcp"),
    ("DynamicUser", "yes"),
    ("StateDirectory", "dwcp"),
    ("StateDirectoryMode", "0700"),
    ("WorkingDirectory", _STATE),
    ("Environment", f"DWCP_HOME={_STATE} DWCP_KEYS={_STATE}/keys"),
    ("UMask", "0077"),
)
_HARDENED: tuple[Setting, ...] = (
    ("NoNewPrivileges", "yes"),
    ("CapabilityBoundingSet", ""),
    ("AmbientCapabilities", ""),
    ("ProtectSystem", "strict"),
    ("ProtectHome", "yes"),
    ("PrivateTmp", "yes"),
    ("PrivateDevices", "yes"),
    ("ProtectProc", "invisible"),
    ("ProtectClock", "yes"),
    ("ProtectHostname", "yes"),
    ("ProtectKernelLogs", "yes"),
    ("ProtectKernelModules", "yes"),
    ("ProtectKernelTunables", "yes"),
    ("ProtectControlGroups", "yes"),
    ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
    ("RestrictNamespaces", "yes"),
    ("RestrictRealtime", "yes"),
    ("RestrictSUIDSGID", "yes"),
    ("RemoveIPC", "yes"),
    ("LockPersonality", "yes"),
    ("SystemCallArchitectures", "native"),
    ("SystemCallFilter", "@system-service"),
    ("SystemCallErrorNumber", "EPERM"),
)
_STAYS: tuple[Setting, ...] = (
    ("Type", "exec"),
    ("Restart", "on-failure"),
    ("RestartSec", "2s"),
    ("KillSignal", "SIGTERM"),
    ("TimeoutStopSec", "60s"),
    ("LimitNOFILE", "65536"),
)
_GATE_IS_SHORT = "3"


@dataclass(frozen=True, slots=True)
class Service:
    """A file of systemd.

    Attributes:
        name: of the file.
        sections: by heading, the settings in order.
    """

    name: str
    sections: Mapping[str, Sequence[Setting]]

    def text(self) -> str:
        """The file's content."""
        parts = (
            "\n".join((f"[{heading}]", *(f"{name}={value}" for name, value in settings), ""))
            for heading, settings in self.sections.items()
        )
        return "\n".join(parts)


def service_files(program: Path) -> tuple[Service, ...]:
    """Every file: ``dwcp-serve``, ``dwcp-receive``, and ``dwcp-train@TASK`` with its timer.

    Args:
        program: the command ``dwcp``, where it is installed.
    """
    quoted = _quoted(str(program))
    return (
        _staying("dwcp-serve.service", "DWCP: hints and models", f"{quoted} serve"),
        _staying("dwcp-receive.service", "DWCP: receiver", f"{quoted} receive {_STATE}/incoming"),
        _training(quoted),
        _timer(),
    )


def _staying(name: str, what: str, command: str) -> Service:
    unit = (("Description", what), ("After", "network-online.target"), ("Wants", "network-online.target"))
    service = (*_STAYS, ("ExecStart", command), *_COMMON, *_HARDENED)
    install = (("WantedBy", "multi-user.target"),)
    return Service(name, {"Unit": unit, "Service": service, "Install": install})


def _training(program: str) -> Service:
    service = (
        ("Type", "oneshot"),
        ("ExecStart", f"{program} --quiet train %i --promote-if-better"),
        # A model whose target is short is published all the same, and not promoted.
        ("SuccessExitStatus", _GATE_IS_SHORT),
        ("Nice", "19"),
        ("IOSchedulingClass", "idle"),
        ("CPUWeight", "20"),
        *_COMMON,
        *_HARDENED,
    )
    return Service(
        "dwcp-train@.service",
        {"Unit": (("Description", "DWCP: train %i on what was measured"),), "Service": service},
    )


def _timer() -> Service:
    timer = (
        ("OnCalendar", "Wed,Sun 03:00"),
        ("RandomizedDelaySec", "1h"),
        ("Persistent", "true"),
    )
    return Service(
        "dwcp-train@.timer",
        {
            "Unit": (("Description", "DWCP: train %i twice a week"),),
            "Timer": timer,
            "Install": (("WantedBy", "timers.target"),),
        },
    )


def _quoted(program: str) -> str:
    """A path as ``ExecStart`` takes it: specifiers and variables are taken literally."""
    plain = program.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{plain}"' if any(mark in program for mark in " \t'\"\\") else plain
