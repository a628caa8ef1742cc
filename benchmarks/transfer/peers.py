"""Other tools, each as what runs at the receiving end, what runs at the sending end, and where it ends up.

Every script is bash. In braces: ``destination`` (an empty folder, or one with the old version in it),
``source`` (the folder ``data`` to send), ``parent`` (what holds it), ``address`` and ``port`` of the
receiving end, ``work`` (a folder for whatever the tool needs), ``before`` (the old version's folder).
"""

import shutil
from dataclasses import dataclass, field
from enum import Enum


class Ends(Enum):
    """How one knows that the receiver has everything."""

    BOTH = "both sides have ended"
    SENDER = "the sending side has ended; the receiving one goes on serving and is stopped"


@dataclass(frozen=True)
class Peer:
    """A way to transfer a folder.

    Attributes:
        name: for tables.
        receive: script of the receiving end; it listens on the port.
        send: script of the sending end.
        ends: how one knows that it is over.
        programs: what has to be installed.
        result: where the folder is then, below the destination.
        prepare: script before the clock starts.
        prepare_old: script before the clock starts, where the receiver has an old version.
        unpack: script after the clock has stopped, if the receiver keeps it in another form.
        environment: variables of all scripts.
        most_mbps: not worth running on links faster than this, and left out there.
        brief: part of the short runs too.
        remark: what is to be known beside its figures.
    """

    name: str
    receive: str
    send: str
    ends: Ends
    programs: tuple[str, ...]
    result: str = "data"
    prepare: str = ""
    prepare_old: str = ""
    unpack: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    most_mbps: float | None = None
    brief: bool = False
    remark: str = field(default="", compare=False)

    def missing(self) -> str | None:
        """Why it cannot run here; None when it can."""
        gone = [program for program in self.programs if shutil.which(program) is None]
        return f"{', '.join(gone)} is not installed" if gone else None


_RSYNC_SERVER = (
    "printf 'use chroot = no\\nuid = 0\\ngid = 0\\n[to]\\npath = %s\\nread only = no\\n' {destination}"
    " > {work}/rsyncd.conf\n"
    "exec rsync --daemon --no-detach --address={address} --port={port} --config={work}/rsyncd.conf"
    " --log-file={work}/rsyncd.log"
)


def rsync(name: str, options: str, *, brief: bool = False) -> Peer:
    """Rsync to a daemon, so that nothing is encrypted; deltas against what is there are its own."""
    return Peer(
        name,
        receive=_RSYNC_SERVER,
        send=f"exec rsync -a {options} {{source}} rsync://{{address}}:{{port}}/to/",
        ends=Ends.SENDER,
        programs=("rsync",),
        brief=brief,
    )


def piped(name: str, pack: str, unpack: str, *, most_mbps: float | None = None, brief: bool = False) -> Peer:
    """Tar through a compressor through nc: sends everything, whatever is there."""
    through, back = (f"{part} | " if part else "" for part in (pack, unpack))
    programs = ("tar", "nc", *({pack.split()[0]} if pack else ()))
    return Peer(
        name,
        receive=f"nc -l {{address}} {{port}} | {back}tar -C {{destination}} -xf -",
        send=f"tar -C {{parent}} -cf - data | {through}nc -N {{address}} {{port}}",
        ends=Ends.BOTH,
        programs=programs,
        most_mbps=most_mbps,
        brief=brief,
    )


_RCLONE = Peer(
    "rclone (webdav, 4 transfers)",
    receive="exec rclone serve webdav {destination} --addr {address}:{port} --config {work}/none",
    send="exec rclone copy {source} \":webdav,url='http://{address}:{port}':data\""
    " --transfers 4 --ignore-times --config {work}/none",
    ends=Ends.SENDER,
    programs=("rclone",),
    remark="webdav keeps no times, so everything is sent whatever is there",
)
_RESTIC = Peer(
    "restic (rclone serves)",
    receive="exec rclone serve restic {destination}/kept --addr {address}:{port} --config {work}/none",
    send="cd {parent} && exec restic -q --cache-dir {work}/cache -r rest:http://{address}:{port}/"
    " backup data",
    ends=Ends.SENDER,
    programs=("restic", "rclone"),
    result="out/data",
    prepare="restic -q --no-cache -r {destination}/kept init",
    prepare_old="cd {before}/.. && restic -q --no-cache -r {destination}/kept backup data",
    unpack="restic -q --no-cache -r {destination}/kept restore latest --target {destination}/out",
    environment=(("RESTIC_PASSWORD", "benchmark"),),
    remark="into a repository, encrypted; restoring is not timed",
)
_BORG = Peer(
    "borg (zstd-3, socat for ssh)",
    receive="exec socat TCP-LISTEN:{port},bind={address},reuseaddr EXEC:'borg serve'",
    send="cd {parent} && BORG_RSH={work}/connect exec borg create --compression zstd,3"
    " ssh://receiver{destination}/kept::now data",
    ends=Ends.SENDER,
    programs=("borg", "socat"),
    result="out/data",
    prepare="printf '#!/bin/sh\\nexec socat - TCP:%s:%s\\n' {address} {port} > {work}/connect\n"
    "chmod +x {work}/connect\nborg init -e none {destination}/kept",
    prepare_old="cd {before}/.. && borg create --compression zstd,3 {destination}/kept::before data",
    unpack="mkdir -p {destination}/out && cd {destination}/out && borg extract {destination}/kept::now",
    environment=(
        ("BORG_BASE_DIR", "{work}/borg"),
        ("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes"),
        ("BORG_RELOCATED_REPO_ACCESS_IS_OK", "yes"),
    ),
    remark="into a repository, not encrypted; extracting is not timed",
)

OTHERS: tuple[Peer, ...] = (
    rsync("rsync", "", brief=True),
    *(
        rsync(
            f"rsync -z (zstd {level})",
            f"-z --compress-choice=zstd --compress-level={level}",
            brief=level == 3,
        )
        for level in (1, 3, 9)
    ),
    piped("tar | zstd --adapt | nc", "zstd -q --adapt -T0", "zstd -q -d", brief=True),
    piped("tar | zstd -1 | nc", "zstd -q -1 -T0", "zstd -q -d"),
    piped("tar | zstd -3 | nc", "zstd -q -3 -T0", "zstd -q -d", brief=True),
    piped("tar | zstd -19 | nc", "zstd -q -19 -T0", "zstd -q -d", most_mbps=50),
    piped("tar | lz4 | nc", "lz4 -q -1", "lz4 -q -d", brief=True),
    piped("tar | nc", "", "", brief=True),
    _RCLONE,
    _RESTIC,
    _BORG,
)
"""Everything that ours is held against."""
