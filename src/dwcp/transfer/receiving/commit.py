"""The commit: once begun, it is carried to its end, after a restart if need be.

1. What was received is flushed to the disk.
2. The session's log, which names every entry, is marked as committing: it is the journal.
3. Everything is put in place (`Placing`); each step may be done again.
4. That is flushed as well, and the log marked as placed.
"""

from dwcp.transfer.receiving.disk import Disk
from dwcp.transfer.receiving.placing import Placing
from dwcp.transfer.receiving.session_log import SessionLog, Stage
from dwcp.transfer.receiving.state_folder import StateFolder
from dwcp.transfer.receiving.tree import Tree

__all__ = ["carry_out"]


def carry_out(log: SessionLog, staging: Tree, state: StateFolder, disk: Disk, durable: bool) -> int:
    """Commit a session whose data is complete, or go on with a commit that was cut off.

    Args:
        log: the session's.
        staging: its staging folder.
        state: the destination.
        disk: what changes the file system.
        durable: whether to flush.

    Returns:
        How many entries that are no directories were removed because the catalogue does not name them.

    Raises:
        TransferRefusedError: a new root's place is not free any more; nothing was touched.
        StorageError: the disk is full or fails; a restart goes on.
        OSError: the same.
    """
    placing = Placing(log, staging, state.destination, state.trash, disk)
    placing.check()
    if log.facts.stage is Stage.OPEN:
        if durable:
            disk.flush(state.destination.root_fd)
        log.advance(Stage.COMMITTING, durable)
    removed = placing.place()
    if durable:
        disk.flush(state.destination.root_fd)
    log.advance(Stage.PLACED, durable)
    return removed
