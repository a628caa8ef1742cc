"""The serving benchmark's own client: what it counts as answered, refused and lost."""

import socket
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import serving_client
from serving_client import LOST, drive, percentile_ms, post
from serving_load import load_of

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
REFUSAL = b"HTTP/1.1 429 Too Many\r\ncontent-length: 0\r\n\r\n"


class Server:
    """Answers each request with the next of its answers; an empty one ends the connection."""

    def __init__(self, path: Path, answers: list[bytes]) -> None:
        self.path, self.answers, self.requests = path, list(answers), list[bytes]()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def goes_on(self) -> bool:
        return bool(self.answers)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                while request := connection.recv(1 << 16):
                    self.requests.append(request)
                    answer = self.answers.pop(0) if self.answers else ANSWER
                    if not answer:
                        break
                    # In two parts, as an answer may come.
                    connection.sendall(answer[:20])
                    connection.sendall(answer[20:])


@pytest.fixture
def serve(tmp_path):
    servers = []

    def begin(answers):
        servers.append(Server(tmp_path / "s", answers))
        return servers[0]

    yield begin
    for server in servers:
        server.close()


def test_every_request_is_accounted_for(serve):
    server = serve([ANSWER, REFUSAL, b"", ANSWER])
    requests = [post("/a", b"one"), post("/b", b"two", {"Authorization": "Bearer t"})]
    answers = drive(server.path, requests, 1, server.goes_on)
    assert [answer.status for answer in answers] == [200, 429, LOST, 200]
    assert answers[0].body == b"hello"
    assert server.requests[:3] == [requests[0], requests[1], requests[0]]
    assert b"Authorization: Bearer t\r\n\r\ntwo" in requests[1]
    found = load_of(answers, 2.0)
    assert (found.requests, found.refused, found.lost, found.per_s) == (3, 1, 1, 1.5)


def test_where_nobody_listens_every_request_is_lost(tmp_path):
    left = [True, True, False]
    answers = drive(tmp_path / "nobody", [b"x"], 2, lambda: left.pop(0))
    assert {answer.status for answer in answers} == {LOST}
    assert percentile_ms([], 99) == 0.0


def test_an_answer_that_never_comes_is_lost(monkeypatch, serve):
    monkeypatch.setattr(serving_client, "TIMEOUT_S", 0.05)
    server = serve([b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello"])
    answers = drive(server.path, [post("/", b"")], 1, server.goes_on)
    assert [answer.status for answer in answers] == [LOST]
