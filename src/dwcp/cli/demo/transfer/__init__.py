"""The demo's last step: real transfers between two processes."""

from dwcp.cli.demo.transfer.files import MOST_FILE_BYTES, Edit, Laid
from dwcp.cli.demo.transfer.runs import Run, Transferred, Way, transfer

__all__ = ["MOST_FILE_BYTES", "Edit", "Laid", "Run", "Transferred", "Way", "transfer"]
