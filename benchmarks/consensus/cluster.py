"""The cluster as a whole: made, and taken apart whatever happens, also what an earlier run left behind."""

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.consensus import cgroups, disks, network
from benchmarks.consensus.member import Member
from benchmarks.consensus.places import Places

from dwcp.errors import InputError

PROGRAMS = ("etcd", "etcdctl", "ip", "tc", "nft", "nsenter", "mkfs.ext4", "mount", "umount", "stress-ng")


@dataclass(frozen=True)
class Cluster:
    """A cluster that runs.

    Attributes:
        places: where its parts are.
        members: by number, from 1.
    """

    places: Places
    members: Mapping[int, Member]


def missing() -> str | None:
    """Why no cluster can be made here, in a few words; None when one can."""
    if os.geteuid() != 0:
        return "namespaces, mounts and cgroups need root"
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    packages = "etcd-server etcd-client iproute2 nftables util-linux e2fsprogs stress-ng"
    return f"{', '.join(absent)} not installed (Debian: {packages})" if absent else None


@contextmanager
def running_cluster(places: Places, members: int) -> Iterator[Cluster]:
    """A cluster for as long as the block lasts; meanwhile this process is its client.

    It is in the client's cgroup, and this thread in the hub's namespace.

    Raises:
        InputError: it cannot be made here, or another run has that prefix.
    """
    reason = missing()
    if reason:
        raise InputError(f"no cluster can be made here: {reason}")
    with locked(places):
        clean(places)
        try:
            network.join(places, members)
            cgroups.make(places, members)
            made = {}
            for number in range(1, members + 1):
                disks.make(places, number)
                made[number] = Member(places, number, members)
            with cgroups.within(places.client_cgroup), network.within(places.hub):
                for member in made.values():
                    member.start()
                yield Cluster(places, made)
        finally:
            clean(places)


def clean(places: Places) -> None:
    """Take apart what is there of a cluster; its disks first, so that what waits for them can end."""
    for image in places.folder.glob("n*.img"):
        if image.with_suffix("").is_mount():
            disks.thaw(image.with_suffix(""))
    cgroups.remove(places)
    disks.remove(places)
    network.take_apart(places)
    for log in places.folder.glob("n*.log"):
        log.unlink()


@contextmanager
def locked(places: Places) -> Iterator[None]:
    """This run alone has the prefix while the block lasts.

    Raises:
        InputError: another run has it.
    """
    places.folder.mkdir(parents=True, exist_ok=True)
    with (places.folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(
                f"another run uses the prefix {places.prefix!r}; end it, or give another with --prefix"
            ) from error
        yield
