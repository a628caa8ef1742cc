"""A small file system of its own for each member, which can be frozen as a disk that hangs."""

import fcntl
import os
from pathlib import Path

from benchmarks.consensus.commands import run
from benchmarks.consensus.places import Places

SIZE_BYTES = 700 << 20
_FREEZE, _THAW = 0xC0045877, 0xC0045878


def make(places: Places, member: int) -> None:
    """Make it and mount it.

    Raises:
        InputError: this machine has no loop devices left, or no ext4.
    """
    image, mount = places.image(member), places.mount(member)
    with image.open("wb") as file:
        file.truncate(SIZE_BYTES)
    run("mkfs.ext4", "-q", "-F", str(image))
    mount.mkdir()
    run("mount", "-o", "loop", str(image), str(mount))


def remove(places: Places) -> None:
    """Thaw, unmount and delete what is there."""
    for image in sorted(places.folder.glob("n*.img")):
        mount = image.with_suffix("")
        if mount.is_mount():
            thaw(mount)
            run("umount", str(mount))
        if mount.is_dir():
            mount.rmdir()
        image.unlink()


def freeze(mount: Path) -> None:
    """Let all writes wait; blocks until what was written is on the disk."""
    _tell(mount, _FREEZE)


def thaw(mount: Path) -> None:
    """Let them go on; nothing where it is not frozen."""
    _tell(mount, _THAW)


def _tell(mount: Path, request: int) -> None:
    handle = os.open(mount, os.O_RDONLY)
    try:
        fcntl.ioctl(handle, request, 0)
    except OSError:
        pass  # frozen or thawed already
    finally:
        os.close(handle)
