"""A made-up tree of files: directories with entries, files with blocks, every node and block named by a hash.

Directories hold a geometric number of entries and files a log-normal number of blocks (file sizes are close
to log-normal in the body: Downey, "The structural cause of file size distributions", 2001).
"""

from dataclasses import dataclass

import numpy as np

from dwcp.errors import InputError

__all__ = ["Tree", "grow_tree"]

_MEAN_ENTRIES = 8.0
_MEDIAN_BLOCKS, _SIGMA_BLOCKS, _MOST_BLOCKS = 3.0, 1.2, 200


@dataclass(frozen=True, slots=True)
class Tree:
    """What each node links to, in order.

    Attributes:
        root: the topmost directory.
        children: by node: files and directories of a directory, blocks of a file. A block has none.
        files: every file, in the order in which a walk comes to it.
    """

    root: str
    children: dict[str, tuple[str, ...]]
    files: tuple[str, ...]


def grow_tree(files: int, rng: np.random.Generator) -> Tree:
    """Draw a tree with so many files.

    Raises:
        InputError: there is to be no file.
    """
    if files < 1:
        raise InputError(f"a tree has one file or more, not {files}")
    root = _name(rng)
    entries: dict[str, list[str]] = {root: []}
    children: dict[str, tuple[str, ...]] = {}
    for _ in range(files):
        folder = _folder(entries, rng)
        file = _name(rng)
        entries[folder].append(file)
        blocks = int(np.clip(round(_MEDIAN_BLOCKS * rng.lognormal(0.0, _SIGMA_BLOCKS)), 1, _MOST_BLOCKS))
        children[file] = tuple(_name(rng) for _ in range(blocks))
    children |= {folder: tuple(held) for folder, held in entries.items()}
    return Tree(root, children, tuple(_files(root, children, entries)))


def _folder(entries: dict[str, list[str]], rng: np.random.Generator) -> str:
    """The newest folder while it is not full, else a new one in any older one."""
    newest = next(reversed(entries))
    if rng.random() > 1 / _MEAN_ENTRIES:
        return newest
    folder = _name(rng)
    above = list(entries)[int(rng.integers(len(entries)))]
    entries[above].append(folder)
    entries[folder] = []
    return folder


def _files(node: str, children: dict[str, tuple[str, ...]], folders: dict[str, list[str]]) -> list[str]:
    found, waiting = [], [node]
    while waiting:
        node = waiting.pop()
        if node in folders:
            waiting.extend(reversed(children[node]))
        else:
            found.append(node)
    return found


def _name(rng: np.random.Generator) -> str:
    return rng.bytes(8).hex()
