"""Where the parts of one cluster are: all is named after its prefix, so that it can be found again."""

import re
from dataclasses import dataclass
from pathlib import Path

from dwcp.errors import InputError

CGROUPS = Path("/sys/fs/cgroup/cpu")
NAMESPACES = Path("/run/netns")
_PREFIX = re.compile(r"[a-z][a-z0-9]{0,15}")


@dataclass(frozen=True)
class Places:
    """Names and folders of one cluster.

    Attributes:
        prefix: lower-case letters and digits.
        work: folder of all clusters' disks and logs.

    Raises:
        InputError: the prefix is no such name.
    """

    prefix: str
    work: Path

    def __post_init__(self) -> None:
        if not _PREFIX.fullmatch(self.prefix):
            raise InputError(f"{self.prefix!r} is no prefix: give up to 16 lower-case letters and digits")

    @property
    def folder(self) -> Path:
        """Of its disks and logs."""
        return self.work / f"dwcp-consensus-{self.prefix}"

    @property
    def hub(self) -> str:
        """Namespace of the bridge and of the client."""
        return f"dwcp-{self.prefix}-hub"

    def namespace(self, member: int) -> str:
        """Name of a member's network namespace."""
        return f"dwcp-{self.prefix}-n{member}"

    def namespaces(self) -> list[str]:
        """Those of it that are there."""
        if not NAMESPACES.is_dir():
            return []
        pattern = re.compile(rf"dwcp-{self.prefix}-(hub|n\d+)")
        return sorted(path.name for path in NAMESPACES.iterdir() if pattern.fullmatch(path.name))

    @property
    def cgroup(self) -> Path:
        """What stands for the machine that all members share."""
        return CGROUPS / f"dwcp-{self.prefix}"

    @property
    def client_cgroup(self) -> Path:
        """Processor time of the client, which must not be what is measured."""
        return CGROUPS / f"dwcp-{self.prefix}-client"

    def member_cgroup(self, member: int) -> Path:
        """Processor time of a member alone."""
        return self.cgroup / f"n{member}"

    def image(self, member: int) -> Path:
        """The file that is a member's disk."""
        return self.folder / f"n{member}.img"

    def mount(self, member: int) -> Path:
        """Where that disk is mounted."""
        return self.folder / f"n{member}"

    def log(self, member: int) -> Path:
        """What a member prints."""
        return self.folder / f"n{member}.log"

    @staticmethod
    def address(member: int) -> str:
        """The bridge is in a namespace of its own, so every cluster may have these."""
        return f"10.77.0.{member}"

    @property
    def hub_address(self) -> str:
        """Of the client."""
        return self.address(254)
