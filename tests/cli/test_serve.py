"""``dwcp serve`` as a process: what it says, who may ask, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from dwcp.cli.app import main
from dwcp.cli.failures import Status
from dwcp.cli.serving_access import access_over_tcp, read_rights, read_tokens
from dwcp.errors import InputError
from dwcp.serving.access import ALL_RIGHTS, Caller, Right

pytest.importorskip("starlette")

TOKEN = "t" * 32
LOCAL = ("--port", "0", "--json")


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("DWCP_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("DWCP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def serving():
    """Start the command; gives the process and where it listens."""
    started = []

    def call(*words):
        command = [sys.executable, "-m", "dwcp.cli.app", "serve", *LOCAL, *words]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)
        started.append(process)
        line = process.stdout.readline()
        assert line, process.stderr.read()
        told = json.loads(line)
        assert told["event"] == "listening"
        return process, told["addresses"]

    yield call
    for process in started:
        with process:
            process.kill()


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(f"# who may ask\nops infer,admin {TOKEN}\n")
    path.chmod(0o600)
    return path


def test_it_serves_until_it_is_told_to_end(serving, tmp_path):
    process, (url, unix, grpc, socket) = serving("--unix-socket", str(tmp_path / "s"), "--grpc-port", "0")
    assert socket == f"grpc:unix:{tmp_path / 's'}.grpc"
    assert grpc.startswith("grpc:127.0.0.1:")
    assert unix == f"unix:{tmp_path / 's'}"
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(tmp_path / "s")), base_url="http://x") as client:
        assert client.get("/v2").json()["name"] == "dwcp"
    assert json.loads(process.stdout.readline())["event"] == "ready"
    assert httpx.get(f"{url}/v2/health/ready").json() == {"ready": True}
    names = [line["name"] for line in httpx.post(f"{url}/v2/repository/index").json()]
    assert "compression" in names
    assert httpx.get(f"{url}/v2", headers={"Host": "evil.example"}).status_code == 403
    told = httpx.get(f"{url}/openapi.json").json()["paths"]
    assert {"/v2/models/{name}/infer", "/v1/hints/PredictBandwidth"} <= set(told)
    assert httpx.post(f"{url}/v1/hints/PredictBandwidth", json={}).status_code == 400
    process.send_signal(signal.SIGTERM)
    out = process.stdout.read()
    assert process.wait(20) == Status.DONE
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["draining", "stopped"]
    assert list(tmp_path.glob("s*")) == []


def test_tokens_are_asked_for_and_a_wanted_model_is_waited_for(serving, token_file):
    process, (url,) = serving("compression", "--token-file", str(token_file))
    assert httpx.get(f"{url}/v2").status_code == 401
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert httpx.get(f"{url}/v2", headers=headers).status_code == 200
    assert httpx.post(f"{url}/v1/hints/PredictBandwidth", headers=headers, json={}).status_code == 403
    assert httpx.get(f"{url}/v2/health/ready").status_code == 503
    refused = json.loads(process.stdout.readline())
    assert (refused["event"], refused["task"]) == ("refused", "compression")
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == Status.DONE


def test_a_second_signal_ends_it_at_once(serving):
    process, (url,) = serving()
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as sock:
        sock.sendall(
            b"POST /v2/models/compression/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
        )
        sock.sendall(b"Expect: 100-continue\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 100")
        process.send_signal(signal.SIGTERM)
        while json.loads(process.stdout.readline())["event"] != "draining":
            pass
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == Status.INTERRUPTED


def test_it_goes_on_when_whoever_read_it_has_gone(serving):
    process, (url,) = serving()
    process.stdout.close()
    while httpx.get(f"{url}/v2/health/ready").status_code != 200:
        pass
    assert httpx.get(f"{url}/v2").status_code == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == Status.DONE
    assert process.stderr.read() == ""


def test_it_needs_no_standard_output_at_all(tmp_path):
    program = f"exec {sys.executable} -m dwcp.cli.app serve {' '.join(LOCAL)} --unix-socket s <&- >&-"
    with subprocess.Popen(["sh", "-c", program], stderr=subprocess.PIPE, text=True) as process:
        transport = httpx.HTTPTransport(uds="s", retries=3)
        with httpx.Client(transport=transport, base_url="http://x") as client:
            while not (tmp_path / "s").exists():
                assert process.poll() is None, process.stderr.read()
            assert client.get("/v2").status_code == 200
        taken = Path(f"/proc/{process.pid}/fd/1").readlink()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == Status.DONE
        assert process.stderr.read() == ""
    assert taken == Path(os.devnull), "no connection must be written to as standard output"


def test_over_tls_with_the_certificate_of_this_side(serving, tmp_path):
    assert main(["keys", "show"]) == 0
    _, (url,) = serving("--tls")
    assert url.startswith("https://")
    assert main(["keys", "export", "own.pem"]) == 0
    context = httpx.create_ssl_context(verify=False)
    context.load_verify_locations("own.pem")
    assert httpx.get(f"{url}/v2", verify=context).status_code == 200


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--host", "0.0.0.0"), "can be reached by others"),
        (("--host", "nowhere.invalid"), "no address"),
        (("--client-ca", "ca.pem"), "need a certificate"),
        (("--tls", "--tls-cert", "a.pem"), "leave it out"),
        (("--token-file", "missing"), "is not there"),
        (("--unix-socket", "/proc/x/y"), "/proc/x/y"),
        (("nothing",), "there is no task 'nothing'"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(words, sentence, capsys):
    assert main(["serve", *LOCAL, *words]) in (Status.UNUSABLE, Status.FAILED)
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("missing", ["starlette", "grpc"])
def test_what_is_not_installed_is_named(missing):
    program = f"import sys; sys.modules[{missing!r}] = None; from dwcp.cli.app import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "serve", *LOCAL, "--grpc-port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == Status.FAILED
    assert f"{missing} is not installed" in done.stderr
    assert "pip install 'dwcp[serve]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_tokens_with_names_and_rights(token_file):
    assert read_tokens(token_file) == {TOKEN: Caller("ops", frozenset({Right.INFER, Right.ADMIN}))}
    token_file.chmod(0o644)
    with pytest.raises(InputError, match="chmod 600"):
        read_tokens(token_file)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no token"),
        ("ops infer", "2 words"),
        ("ops everything " + TOKEN, "no right 'everything'"),
        ("ops infer short", "could be guessed"),
        (f"a infer {TOKEN}\nb hints {TOKEN}", "line 2 .* further up"),
    ],
)
def test_token_files_that_are_refused(text, sentence, token_file):
    token_file.write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_tokens(token_file)


def test_who_is_let_in_where():
    nobody = None
    told = {TOKEN: Caller("ops", ALL_RIGHTS)}
    assert access_over_tcp(told, None, "0.0.0.0", insecure=False).caller(None) is nobody
    assert access_over_tcp({}, None, "::1", insecure=False).caller(None).may(Right.ADMIN)
    certified = access_over_tcp({}, read_rights("infer"), "10.0.0.1", insecure=False)
    assert certified.caller(None).rights == {Right.INFER}
    assert not access_over_tcp({}, None, "0.0.0.0", insecure=True).caller(None).may(Right.ADMIN)
    with pytest.raises(InputError, match="--token-file"):
        access_over_tcp({}, None, "fe80::1%eth0", insecure=False)
