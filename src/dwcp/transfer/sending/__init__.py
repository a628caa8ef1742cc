"""The sender's files and codecs: reads, cuts, compares, chooses, encodes; no sockets."""

from dwcp.transfer.sending.counters import Counters, Skipped
from dwcp.transfer.sending.encoding import Bundle
from dwcp.transfer.sending.options import LinkView, SendingOptions
from dwcp.transfer.sending.outgoing import Outgoing

__all__ = ["Bundle", "Counters", "LinkView", "Outgoing", "SendingOptions", "Skipped"]
