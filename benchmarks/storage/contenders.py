"""Who stores the versions: each as what is run to begin, to put one, to end, and to get one back.

Every script is bash. In braces: ``store`` (an empty folder), ``version`` (the folder to put), ``number`` (its
number, from 0), ``destination`` (an empty folder to get it into), ``work`` (for whatever is needed),
``all`` (what holds all versions' folders), ``python`` (the interpreter).
"""

import shutil
from dataclasses import dataclass

__all__ = ["AGGRESSIVE_GIT", "ARCHIVE", "CONTENDERS", "EXACT", "GIT", "OURS", "RIVALS", "Contender"]


@dataclass(frozen=True)
class Contender:
    """A way to keep versions.

    Attributes:
        name: for tables.
        begin: makes the store.
        put: adds one version.
        get: gives one version back.
        end: what is done when all versions are in; its time counts.
        program: what has to be installed.
        caches: names of files in the store that can be made again from the others.
        remark: what is to be known beside its figures.
    """

    name: str
    begin: str
    put: str
    get: str
    program: str
    end: str = "true"
    caches: tuple[str, ...] = ()
    remark: str = ""

    def missing(self) -> str | None:
        """Why it cannot run here; None when it can."""
        return None if shutil.which(self.program) else f"{self.program} is not installed"


def _ours(name: str, options: str, remark: str) -> Contender:
    command = "{python} -m benchmarks.storage.ours"
    return Contender(
        name,
        f"{command} begin {{store}}",
        f"{command} put {{store}} {{version}} --outcomes {{work}}/outcomes{options}",
        f"{command} get {{store}} {{number}} {{destination}}",
        "bash",
        caches=("index.sqlite", "index.sqlite-wal", "index.sqlite-shm", "similar.cache", ".lock"),
        remark=remark,
    )


_GIT = "git -C {store} -c core.autocrlf=false -c gc.auto=0 -c user.name=bench -c user.email=bench@localhost"
_EMPTY = "find {store} -mindepth 1 -not -path '{store}/.git/*' -not -path '{store}/.git' -delete"
"""Removes what is checked out, and nothing of git's own."""


def _git(name: str, collect: str) -> Contender:
    return Contender(
        name,
        "git init -q {store} && echo '* -text -filter -ident' > {store}/.git/info/attributes",
        f"{_EMPTY} && rm -f {{store}}/.git/index && cp -a {{version}}/. {{store}} && {_GIT} add -Af . && "
        f"{_GIT} commit -q --allow-empty -m {{number}} && {_GIT} tag v{{number}}",
        "git --git-dir={store}/.git --work-tree={destination} -c core.autocrlf=false "
        "checkout -q -f v{number} -- .",
        "git",
        end=f"{_GIT} {collect} && {_EMPTY}",
        caches=("index", "ORIG_HEAD"),
        remark="keeps neither times nor modes; deltas are up to 50 deep, made when everything is in",
    )


OURS = _ours("dwcp, similar blocks", "", "deltas one deep, made while putting")
EXACT = _ours("dwcp, exact dedup + zstd-3", " --alone", "the same store without deltas")
RESTIC = Contender(
    "restic",
    "restic -q init -r {store}",
    "cd {version} && restic -q -r {store} backup .",
    "restic -q -r {store} restore $(restic -r {store} snapshots --json | {python} -c "
    '\'import json, sys; print(sorted(json.load(sys.stdin), key=lambda one: one["time"])[{number}]["id"])\')'
    " --target {destination}",
    "restic",
    remark="encrypts",
)
BORG = Contender(
    "borg, zstd-3",
    "borg init -e none {store}",
    "cd {version} && borg create -C zstd,3 {store}::v{number} .",
    "cd {destination} && borg extract {store}::v{number}",
    "borg",
)
CASYNC = Contender(
    "casync",
    "mkdir {store}/chunks.castr",
    "casync make --store={store}/chunks.castr {store}/v{number}.caidx {version} > /dev/null",
    "casync extract --store={store}/chunks.castr --seed-output=no {store}/v{number}.caidx {destination}",
    "casync",
)
GIT, AGGRESSIVE_GIT = _git("git gc", "gc -q"), _git("git gc --aggressive", "gc -q --aggressive")
ARCHIVE = Contender(
    "tar | zstd -19 --long=27",
    "true",
    "true",
    "zstd -q -d --long=27 -c {store}/all.tar.zst"
    " | tar -x -C {destination} --strip-components=2 {number}/data",
    "zstd",
    end="tar -C {all} -c $(cd {all} && ls -d [0-9]* | sort -n) | zstd -q -19 --long=27 > {store}/all.tar.zst",
    remark="one archive of all versions: nothing can be added to it, and getting one means reading all",
)
RIVALS = (RESTIC, BORG, CASYNC)
CONTENDERS = (OURS, EXACT, *RIVALS, GIT, AGGRESSIVE_GIT, ARCHIVE)
