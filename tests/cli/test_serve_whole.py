"""``dwcp serve`` from end to end: a process, real models, every door, and what operators do meanwhile."""

import http.client
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import numpy as np
import pytest

from dwcp.cli.app import main
from dwcp.cli.failures import Status
from dwcp.registry import Draft, Golden, Registry
from dwcp.serving.local import LocalAdvisor
from dwcp.serving.runtime import OnnxGraph
from dwcp.tasks import discover
from dwcp.tasks.bandwidth.contract import Context, Step

pytest.importorskip("starlette")
grpc = pytest.importorskip("grpc")

TASK = "bandwidth"
TOKEN, READER = "t" * 32, "r" * 32
OPS = {"Authorization": f"Bearer {TOKEN}"}
WHY = ("--why", "because")
STEPS = [{"throughput_mbps": 90.0, "rtt_ms": 12.0}, {"throughput_mbps": 94.0}]
CONTEXT = Context((Step(90.0, 12.0), Step(94.0)), 1.0, 1.7e9, path="a-b", regime="internet")
ASKED = {"steps": STEPS, "step_s": 1.0, "epoch_s": 1.7e9, "path": "a-b", "regime": "INTERNET"}
FIRST, SECOND = "1.0.0", "1.1.0"


def model_of(share: float) -> bytes:
    """A graph that forecasts this share of the window's largest figure."""
    from onnx import TensorProto, helper, numpy_helper

    task = discover()[TASK]
    kinds = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}
    inputs, outputs = (
        [helper.make_tensor_value_info(one.name, kinds[one.dtype], ["n", *one.shape]) for one in columns]
        for columns in (task.input_spec.columns, task.outputs)
    )
    nodes = [
        helper.make_node("ReduceMax", ["window"], ["most"], axes=[1, 2], keepdims=1),
        helper.make_node("Mul", ["most", "shares"], ["throughput_mbps"]),
        helper.make_node("Mul", ["step_s", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "half"], ["within_20"]),
        *(helper.make_node("Add", ["nothing", "zero"], [one.name]) for one in task.outputs[2:]),
    ]
    shares = np.array([[[0.8, 1.0, 1.2], [0.7, 1.0, 1.3]]]) * share
    constants = {"shares": shares, "zero": np.array(0.0), "half": np.array(0.5)}
    tensors = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def draft(share: float) -> Draft:
    task, content = discover()[TASK], model_of(share)
    inputs = task.arrays([one.context for one in task.examples(4, 0)])
    return Draft(
        input_spec=task.input_spec,
        outputs=task.outputs,
        kind="batch",
        model=content,
        golden=Golden(inputs, OnnxGraph(content).run(inputs)),
        card="# Tiny\n",
        report={},
        metrics={},
        gates=(),
        data="made up",
        data_fingerprint="0" * 64,
        seed=1,
        libraries={},
        instruction_set="any",
    )


class Server:
    """The process, and how to reach it."""

    def __init__(self, folder: Path, words: Sequence[object]) -> None:
        self.home = folder / "home"
        self.socket = folder / "s"
        self.words = ("--unix-socket", self.socket, *words)
        self.start()

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "dwcp.cli.app",
            "--home",
            self.home,
            "serve",
            "--port",
            "0",
            "--json",
        ]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([*command, *self.words], stdout=pipe, stderr=pipe, text=True)
        self.told: list[dict[str, Any]] = []
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        told = (one.removeprefix("grpc:") for one in json.loads(line)["addresses"])
        self.url, _, self.grpc, self.grpc_socket = told
        self.listener = threading.Thread(target=self._listen, args=(self.process.stdout,))
        self.listener.start()
        self.http = httpx.Client(base_url=self.url, headers=OPS)
        until(lambda: "ready" in self.events)

    def _listen(self, out: Any) -> None:
        self.told.extend(map(json.loads, out))

    @property
    def events(self) -> list[str]:
        return [one["event"] for one in list(self.told)]

    def end(self, number: int = signal.SIGTERM) -> int:
        self.http.close()
        self.process.send_signal(number)
        status = self.process.wait(20)
        self.listener.join(20)
        self.process.stdout.close()
        self.process.stderr.close()
        return status

    def hint(self, unit: str = "", **context: Any) -> dict[str, Any]:
        asked = {"unit": unit, "context": {**ASKED, **context}}
        told = self.http.post("/v1/hints/PredictBandwidth", json=asked)
        assert told.status_code == 200, told.text
        return told.json()

    def outcome(self, hint: dict[str, Any], mbps: float) -> httpx.Response:
        outcome = {TASK: {"steps": [{"throughput_mbps": mbps}]}}
        asked = {"hint_id": hint["hint_id"], "outcome": outcome}
        return self.http.post("/v1/hints/RecordOutcome", json=asked)

    def version(self) -> str:
        return str(self.http.get(f"/v2/models/{TASK}").json()["parameters"]["version"])

    def resident_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1]) / 1024

    def metric(self, start: str) -> float:
        lines = self.http.get("/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(start))

    def dwcp(self, *words: object) -> None:
        assert main(["--home", str(self.home), "--quiet", *map(str, words)]) == 0


def until(check: Callable[[], Any], within_s: float = 20.0) -> None:
    """Wait until something is true."""
    late_s = time.monotonic() + within_s
    while not check():
        assert time.monotonic() < late_s, "it never came true"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("whole")
    registry = Registry(folder / "home" / "registry")
    for share in (1.0, 0.5):
        registry.publish(draft(share), now=0.0, who="test")
    registry.promote(TASK, FIRST, now=0.0, who="test", why="test")
    tokens = folder / "tokens"
    tokens.write_text(f"ops infer,hints,admin {TOKEN}\nreader infer {READER}\n")
    tokens.chmod(0o600)
    made = Server(folder, ("--grpc-port", "0", "--token-file", tokens, "--deadline-ms", "5000"))
    yield made
    made.end(signal.SIGKILL)


@pytest.fixture(scope="module")
def local(server: Server) -> Iterator[LocalAdvisor]:
    """The same model in this process, and one that nobody told anything."""
    registry = Registry(server.home / "registry")
    with closing(LocalAdvisor(discover().values(), registry, deadline_ms=5000.0)) as made:
        made.load(TASK)
        yield made


def test_every_door_gives_the_answer_of_the_same_model_in_process(
    server: Server, local: LocalAdvisor
) -> None:
    from dwcp.serving.protocol import hints_pb2 as pb

    assert server.http.get("/v2/health/ready").json() == {"ready": True}
    expected = local.ask(TASK, CONTEXT)
    assert expected.action.next_step.mid == pytest.approx(94.0)
    over_rest = server.hint()
    assert over_rest["reason"] == expected.reason.value == "MODEL"
    assert over_rest["model"] == {"task": TASK, "version": FIRST, "digest": expected.model.digest}
    asked = pb.PredictBandwidthRequest(context=pb.BandwidthContext(**ASKED))
    with grpc.insecure_channel(server.grpc) as channel:
        call = channel.unary_unary(
            "/dwcp.v1.Hints/PredictBandwidth",
            pb.PredictBandwidthRequest.SerializeToString,
            pb.PredictBandwidthResponse.FromString,
        )
        over_grpc = call(asked, metadata=[("authorization", f"Bearer {TOKEN}")], timeout=20)
        with pytest.raises(grpc.RpcError) as refused:
            call(asked, timeout=20)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    for name in ("next_step", "horizon"):
        there, here, other = (
            getattr(over_grpc.action, name),
            getattr(expected.action, name),
            over_rest["action"][name],
        )
        for part in ("low", "mid", "high"):
            assert getattr(there, part) == other[part] == getattr(here, part)
    assert over_grpc.model.version == FIRST


def test_tensors_through_a_client_of_others_over_http_and_grpc(server: Server) -> None:
    import tritonclient.grpc as triton_grpc
    import tritonclient.http as triton_http

    arrays = discover()[TASK].arrays([CONTEXT])
    kinds = {np.dtype(np.float32): "FP32", np.dtype(np.int64): "INT64"}
    http_url = server.url.removeprefix("http://")
    for triton, url in (
        (triton_http, http_url),
        (triton_grpc, server.grpc),
        (triton_grpc, server.grpc_socket),
    ):
        inputs = []
        for name, array in arrays.items():
            inputs.append(triton.InferInput(name, list(array.shape), kinds[array.dtype]))
            inputs[-1].set_data_from_numpy(array)
        with triton.InferenceServerClient(url) as client:
            headers = {name.lower(): value for name, value in OPS.items()}
            answer = client.infer(TASK, inputs, headers=headers)
        assert answer.as_numpy("throughput_mbps")[0, 0].tolist() == pytest.approx([75.2, 94.0, 112.8])


def test_an_outcome_is_judged_once_of_whoever_answered(server: Server) -> None:
    judged = f'dwcp_ml_judged_daily{{arm="model",figure="accuracy",task="{TASK}"}}'
    before = server.metric(judged)
    first, second = server.hint(path="judged"), server.hint(path="judged")
    for hint in (first, second):
        assert server.outcome(hint, 94.0).json() == {}
    assert server.outcome(first, 94.0).status_code == 409
    assert server.metric(judged) == before + 2
    assert server.metric("dwcp_pba_prediction_accuracy") > 0


def test_models_move_under_a_running_server(server: Server) -> None:
    server.dwcp("models", "promote", TASK, SECOND, *WHY)
    until(lambda: server.version() == SECOND)
    assert server.hint()["model"]["version"] == SECOND
    assert server.metric(f'dwcp_ml_predictions_total{{choice="model",reason="MODEL",task="{TASK}"') > 0
    shown = f'version="{SECOND}"'
    assert shown in server.http.get("/metrics").text
    until(lambda: SECOND in server.http.get("/page/live").text)
    server.dwcp("models", "rollback", TASK, *WHY)
    until(lambda: server.version() == FIRST)
    assert server.hint()["model"]["version"] == FIRST
    until(lambda: server.events.count("swapped") == 2)
    assert SECOND in next(one for one in server.told if one["event"] == "swapped")["message"]


def test_kill_shadow_and_what_a_kill_9_leaves(server: Server) -> None:
    server.dwcp("rollout", "start", TASK, SECOND, *WHY)
    until(lambda: "beside" in server.events)
    log = server.home / "shadow" / "decisions.jsonl"
    hints = [server.hint(f"unit-{number}", path=f"shadow-{number}") for number in range(5)]
    for hint in hints:
        assert server.outcome(hint, 94.0).json() == {}
    server.dwcp("rollout", "kill", TASK, *WHY)
    until(lambda: server.hint()["reason"] == "KILL_SWITCH")
    until(lambda: log.exists() and len(log.read_text().splitlines()) >= 6)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    decided = [line for line in lines if "unit" in line]
    assert {(one["champion"], one["candidate"]) for one in decided} == {(FIRST, SECOND)}
    judged = {one["id"]: one["correct"] for one in lines if "correct" in one}
    assert judged
    assert judged.keys() <= {one["id"] for one in decided}
    assert server.end(signal.SIGKILL) == -signal.SIGKILL
    server.start()
    assert server.version() == FIRST
    assert server.hint()["reason"] == "KILL_SWITCH"
    assert server.metric("dwcp_ml_rollout_stage{") == 1.0, "in shadow"
    server.dwcp("rollout", "revive", TASK, *WHY)
    until(lambda: server.hint("unit-1")["reason"] == "MODEL")
    until(lambda: len(log.read_text().splitlines()) > len(lines))
    server.dwcp("rollout", "rollback", TASK, *WHY)


@pytest.mark.parametrize(
    "name",
    ["%2e%2e", "..%2f..%2fetc%2fpasswd", f"{TASK}%00", f"{TASK}%2f..%2fcompression", "%ff%fe", "x" * 10_000],
)
def test_names_that_are_tricks_are_refused(server: Server, name: str) -> None:
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    places = [
        ("GET", f"/v2/models/{name}"),
        ("POST", f"/v2/models/{name}/infer"),
        ("POST", f"/v2/models/{TASK}/versions/{name}/infer"),
        ("POST", f"/v2/repository/models/{name}/load"),
        ("POST", f"/v1/hints/{name}"),
    ]
    for method, place in places:
        with closing(http.client.HTTPConnection(host, int(port), timeout=20)) as connection:
            body = b'{"inputs":[]}' if method == "POST" else None
            connection.request(method, place, body, {**OPS, "Content-Type": "application/json"})
            answer = connection.getresponse()
            assert 400 <= answer.status < 500, (place, answer.status)
            answer.read()
    assert server.version() == FIRST


def test_who_may_do_what(server: Server) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
        assert httpx.get(f"{server.url}/v2/models/{TASK}", headers=headers).status_code == 401
        assert httpx.get(f"{server.url}/metrics", headers=headers).status_code == 401
    reader = {"Authorization": f"Bearer {READER}"}
    assert httpx.get(f"{server.url}/v2/models/{TASK}", headers=reader).status_code == 200
    for place in ("/v1/hints/PredictBandwidth", f"/v2/repository/models/{TASK}/unload"):
        assert httpx.post(f"{server.url}{place}", headers=reader, json={}).status_code == 403
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(server.socket)), base_url="http://x") as client:
        assert client.get(f"/v2/models/{TASK}").status_code == 200


@pytest.mark.slow
def test_a_flood_without_a_token_takes_no_memory_and_keeps_nobody_waiting(server: Server) -> None:
    flood(server, 2000)
    before_mb = server.resident_mb()
    slowest_s, asked = 0.0, 0
    with ThreadPoolExecutor(1) as threads:
        flooding = threads.submit(flood, server, 20_000)
        # Not more: the server remembers its hints for their outcomes, which is memory too.
        while asked < 200 and not flooding.done():
            started_s = time.monotonic()
            assert server.hint()["reason"] == "MODEL"
            slowest_s = max(slowest_s, time.monotonic() - started_s)
            asked += 1
        flooding.result()
    assert asked > 10
    assert slowest_s < 5.0
    assert server.resident_mb() - before_mb < 8.0, "less than half a kilobyte for each"


def flood(server: Server, count: int) -> None:
    """So many requests without a token, on connections that are kept for as long as the server keeps them."""
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    request = f"GET /v2/models/{TASK} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    while count > 0:
        with (
            closing(socket.create_connection((host, int(port)), 20)) as connection,
            connection.makefile("rb") as answers,
        ):
            while count > 0:
                connection.sendall(request)
                status = answers.readline()
                if not status:
                    break
                assert b" 401 " in status
                _read_rest(answers)
                count -= 1


def _read_rest(answers: BinaryIO) -> None:
    length = 0
    while (header := answers.readline().lower()) not in (b"\r\n", b""):
        if header.startswith(b"content-length:"):
            length = int(header.partition(b":")[2])
    answers.read(length)


def test_a_term_signal_ends_it_in_good_order(server: Server) -> None:
    assert server.end() == Status.DONE
    assert server.events[-2:] == ["draining", "stopped"]
    assert not server.socket.exists()
    state = json.loads((server.home / "serving" / "state.json").read_text())
    assert state["tasks"][TASK]["memory"]["version"] == FIRST


def refused(capsys: pytest.CaptureFixture[str], home: Path, *words: object) -> str:
    """The one sentence that the command ends with."""
    assert main(["--home", str(home), "serve", "--port", "0", *map(str, words)]) not in (0, None)
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    assert "Traceback" not in said
    return said


def test_what_cannot_be_ends_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def serves(*_: object) -> None:
        pytest.fail("it begins to serve")

    monkeypatch.setattr("dwcp.cli.serving_loop.serve_until_told", serves)
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        assert str(port) in refused(capsys, tmp_path, "--port", port)
        assert str(port) in refused(capsys, tmp_path, "--grpc-port", port)
    file = tmp_path / "file"
    file.write_text("")
    assert str(file) in refused(capsys, tmp_path, "--registry", file)
    assert str(file) in refused(capsys, file)
    assert "/proc/1/x" in refused(capsys, Path("/proc/1/x"))


@pytest.fixture
def authority(tmp_path: Path) -> dict[str, Path]:
    """Files in PEM: an authority, and a certificate that it signed with its ECDSA key, for both sides."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import NameOID

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")])
    leaf = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)

    def signed(name: x509.Name, public: Any, *, is_root: bool) -> bytes:
        made = x509.CertificateBuilder(root, name, public, x509.random_serial_number())
        made = made.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
        made = made.add_extension(x509.BasicConstraints(is_root, None), critical=True)
        if not is_root:
            names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
            made = made.add_extension(names, critical=False)
        return made.sign(root_key, hashes.SHA256()).public_bytes(Encoding.PEM)

    contents = {
        "root": signed(root, root_key.public_key(), is_root=True),
        "leaf": signed(leaf, key.public_key(), is_root=False),
        "key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    }
    files = {name: tmp_path / f"{name}.pem" for name in contents}
    for name, file in files.items():
        file.write_bytes(contents[name])
        file.chmod(0o600)
    return files


def test_callers_with_a_certificate_alone_are_let_in_over_tls(
    authority: dict[str, Path], tmp_path: Path
) -> None:
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    files = authority
    words = ("--tls-cert", files["leaf"], "--tls-key", files["key"], "--client-ca", files["root"])
    served = Server(tmp_path, ("--grpc-port", "0", *words))
    try:
        known = ssl.create_default_context(cafile=str(files["root"]))
        known.load_cert_chain(files["leaf"], files["key"])
        url = served.url.replace("127.0.0.1", "localhost")
        assert httpx.get(f"{url}/v2", verify=known).status_code == 200
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"{url}/v2", verify=ssl.create_default_context(cafile=str(files["root"])))
        root, key, leaf = (files[name].read_bytes() for name in ("root", "key", "leaf"))
        for credentials, is_known in (
            (grpc.ssl_channel_credentials(root, key, leaf), True),
            (grpc.ssl_channel_credentials(root), False),
        ):
            with grpc.secure_channel(served.grpc.replace("127.0.0.1", "localhost"), credentials) as channel:
                check = health_pb2_grpc.HealthStub(channel).Check
                if is_known:
                    assert check(health_pb2.HealthCheckRequest(), timeout=20).status == 1
                else:
                    with pytest.raises(grpc.RpcError):
                        check(health_pb2.HealthCheckRequest(), timeout=20)
    finally:
        served.end(signal.SIGKILL)


def test_grpc_says_what_it_cannot_encrypt_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DWCP_KEYS", str(tmp_path / "keys"))
    assert main(["keys", "show"]) == 0
    capsys.readouterr()
    assert "gRPC cannot encrypt with the Ed25519 key" in refused(capsys, tmp_path, "--tls", "--grpc-port", 0)
