"""What a receiver says: in order, acknowledgements together."""

from dwcp.transfer.endpoints.outbox import Outbox
from dwcp.transfer.protocol import Ack, Ping, Want


class Said:
    def __init__(self) -> None:
        self.messages: list[object] = []

    def send(self, message: object) -> None:
        self.messages.append(message)


def test_acknowledgements_that_wait_go_together_and_nothing_overtakes():
    said = Said()
    outbox = Outbox(said)
    want = Want(3, ((0, 1),))
    for message in (Ack((1,)), Ack((2,)), want, Ack((3,)), Ping(4), Ack((5,)), Ack((6,))):
        outbox.put(message)
    outbox.close()
    outbox.deliver()
    assert said.messages == [Ack((1, 2)), want, Ack((3,)), Ping(4), Ack((5, 6))]


def test_a_closed_outbox_ends():
    said = Said()
    outbox = Outbox(said)
    outbox.close()
    outbox.deliver()
    assert said.messages == []
