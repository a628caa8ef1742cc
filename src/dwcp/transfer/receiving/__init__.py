"""What a receiver does with files: a destination, its sessions, and no sockets."""

from dwcp.transfer.receiving.destination import Destination
from dwcp.transfer.receiving.disk import Disk
from dwcp.transfer.receiving.incoming import Incoming
from dwcp.transfer.receiving.options import ReceivingOptions
from dwcp.transfer.receiving.progress import Progress
from dwcp.transfer.receiving.sketches import PIECES

__all__ = ["PIECES", "Destination", "Disk", "Incoming", "Progress", "ReceivingOptions"]
