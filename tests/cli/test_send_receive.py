import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading

import pytest

from dwcp.transfer import KeyFolder, ReceiveOptions, open_receiver

LOOPBACK = "127.0.0.1:0"
RESULT = {
    *("name", "content", "files_written", "files_kept", "files_deleted", "plain_bytes", "wire_bytes"),
    *("codecs", "seconds", "streams_opened", "attempts", "skipped"),
}


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Keys and state of this test's own, for this process and those it starts."""
    monkeypatch.setenv("DWCP_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DWCP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def tree(tmp_path):
    """A small folder to send."""
    root = tmp_path / "photos"
    (root / "summer").mkdir(parents=True)
    (root / "summer" / "sea.jpg").write_bytes(random.Random(1).randbytes(40_000))
    (root / "list.txt").write_text("sea\n" * 200)
    return root


@pytest.fixture
def receiver(tmp_path):
    """A receiver that runs in this process; gives its address."""
    KeyFolder().ensure()
    one = open_receiver(tmp_path / "to", LOOPBACK, ReceiveOptions(durable=False))
    thread = threading.Thread(target=one.serve)
    thread.start()
    yield one.address
    one.stop()
    thread.join()


@pytest.fixture
def start():
    """Start ``dwcp`` as a process; what still runs at the end is killed."""
    started = []

    def call(*words):
        command = [sys.executable, "-m", "dwcp.cli.app", *map(str, words)]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield call
    for process in started:
        with process:
            process.kill()


@pytest.fixture
def stalling(receiver):
    """A way to the receiver on which nothing moves any more once 24 MB have passed.

    Gives the address and what tells that it stalls.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    stalls, over = threading.Event(), threading.Event()
    sockets, threads = [listener], []

    def pump(source, target, most_bytes):
        with contextlib.suppress(OSError):
            while most_bytes > 0 and (content := source.recv(1 << 16)):
                target.sendall(content)
                most_bytes -= len(content)
            if most_bytes <= 0:
                stalls.set()
                over.wait()
        for sock in (source, target):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def accept():
        host, _, port = receiver.rpartition(":")
        with contextlib.suppress(OSError):
            while True:
                near = listener.accept()[0]
                far = socket.create_connection((host, int(port)))
                sockets.extend((near, far))
                for way in ((near, far, 24_000_000), (far, near, 1 << 60)):
                    threads.append(threading.Thread(target=pump, args=way))
                    threads[-1].start()

    threads.append(threading.Thread(target=accept))
    threads[0].start()
    yield f"127.0.0.1:{listener.getsockname()[1]}", stalls
    over.set()
    for sock in sockets:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()
    for thread in threads:
        thread.join()


class TestSending:
    def test_what_came_of_it_is_said(self, run, tree, receiver, tmp_path):
        done = run("send", tree, receiver)
        assert done.status == 0, done.err
        first, second = done.out.splitlines()
        assert first == "photos is in place: 2 files written, 0 kept"
        assert "MB sent; root " in second
        assert (tmp_path / "to" / "photos" / "list.txt").read_text() == "sea\n" * 200

    def test_machines_are_told_everything(self, run, tree, receiver):
        done = run("send", tree, receiver, "--json")
        assert done.status == 0, done.err
        said = json.loads(done.out)
        assert set(said) == RESULT
        assert (said["name"], said["files_written"], said["plain_bytes"]) == ("photos", 2, 40_800)
        assert (said["attempts"], said["skipped"]) == (1, [])
        assert len(said["content"]) == 64

    @pytest.mark.parametrize(
        "options",
        [
            ("--streams", "3", "--codec", "zstd-3", "--cpu", "1", "--plain"),
            ("--no-model", "--retries", "0", "--timeout", "5", "--codec", "none", "--streams", "1"),
        ],
    )
    def test_every_option_is_taken(self, run, tree, receiver, options):
        assert run("send", tree, receiver, *options).status == 0

    def test_what_is_there_is_not_sent_over(self, run, tree, receiver):
        run("send", tree, receiver)
        done = run("send", tree, receiver)
        assert done.status == 1
        assert "exists: use sync" in done.sentence
        assert "may pass" not in done.sentence

    def test_a_sync_sends_what_changed(self, run, tree, receiver, tmp_path):
        first = json.loads(run("sync", tree, receiver, "--json").out)
        again = json.loads(run("sync", tree, receiver, "--json").out)
        assert (again["files_written"], again["files_kept"], again["codecs"]) == (0, 2, {})
        assert again["content"] == first["content"]
        (tree / "list.txt").unlink()
        (tree / "new.txt").write_text("new")
        assert run("sync", tree, receiver, "--checksum").status == 0
        assert (tmp_path / "to" / "photos" / "list.txt").exists()
        done = run("sync", tree, receiver, "--delete")
        assert done.out.startswith("photos is in place: 0 files written, 2 kept, 1 removed\n")
        assert not (tmp_path / "to" / "photos" / "list.txt").exists()

    def test_an_older_version_here_is_a_reference(self, run, receiver, tmp_path):
        old, new = tmp_path / "old.bin", tmp_path / "new.bin"
        content = bytearray(random.Random(2).randbytes(3_000_000))
        old.write_bytes(content)
        assert run("send", old, receiver).status == 0
        content[::100_000] = bytes(30)
        new.write_bytes(content)
        said = json.loads(run("send", new, receiver, "--reference", old, "--codec", "delta-3", "--json").out)
        assert said["wire_bytes"] < 1_000_000
        assert (tmp_path / "to" / "new.bin").read_bytes() == content

    def test_what_is_left_out_is_named_and_is_a_status_of_its_own(self, run, tree, receiver, tmp_path):
        os.mkfifo(tree / "pipe")
        done = run("send", tree, receiver, "--json")
        assert done.status == 3
        (left,) = json.loads(done.out)["skipped"]
        assert left["path"].endswith("pipe")
        assert left["reason"]
        assert sorted(path.name for path in (tmp_path / "to" / "photos").iterdir()) == ["list.txt", "summer"]
        done = run("sync", tree, receiver)
        assert done.status == 3
        assert "left out: " in done.err
        assert "pipe" in done.err

    def test_what_cannot_be_read_is_left_out(self, run, tree, receiver):
        (tree / "list.txt").chmod(0)
        if os.access(tree / "list.txt", os.R_OK):
            pytest.skip("this user may read everything")
        done = run("send", tree, receiver)
        assert done.status == 3
        assert "list.txt" in done.err

    def test_quiet_says_the_result_alone(self, run, tree, receiver):
        done = run("--quiet", "send", tree, receiver)
        assert done.err == ""
        assert "is in place" in done.out

    def test_with_a_home_there_is_telemetry(self, run, tree, receiver, home, monkeypatch):
        monkeypatch.setattr("dwcp.cli.late_recorder._WORTH_S", 0.0)
        home.mkdir()
        assert run("send", tree, receiver).status == 0
        assert list((home / "telemetry").rglob("*.parquet"))
        assert b"sea.jpg" not in b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())

    @pytest.mark.train
    @pytest.mark.usefixtures("with_model")
    def test_with_a_champion_the_same_arrives(self, run, tree, receiver):
        with_model = json.loads(run("send", tree, receiver, "--json").out)
        without = json.loads(run("sync", tree, receiver, "--checksum", "--no-model", "--json").out)
        assert with_model["content"] == without["content"]
        assert without["files_written"] == 0


class TestWhatCannotBe:
    @pytest.mark.parametrize("verb", ["send", "sync"])
    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["photos", "nowhere"], "'nowhere' is not an address; write HOST:PORT"),
            (["photos", "host:70000"], "'host:70000' is not an address"),
            (["photos", "no.such.host.invalid:9440"], "there is no host 'no.such.host.invalid'"),
            (["missing", "ADDRESS"], "missing"),
            (["/", "ADDRESS"], "name a file or a directory in it"),
            (["/dev/null", "ADDRESS"], "/dev/null is a device"),
            (["photos", "ADDRESS", "--streams", "65"], "neither auto nor a number from 1 to 64"),
            (["photos", "ADDRESS", "--streams", "many"], "neither auto nor a number from 1 to 64"),
            (["photos", "ADDRESS", "--codec", "zip"], "zip"),
            (["photos", "ADDRESS", "--cpu", "0"], "--cpu"),
            (["photos", "ADDRESS", "--retries", "-1"], "--retries"),
            (["photos", "ADDRESS", "--timeout", "0"], "--timeout"),
            (["photos", "ADDRESS", "--peer", "stranger"], "stranger"),
            (["photos", "ADDRESS", "--reference", "missing"], "missing"),
            (["photos"], "missing argument"),
        ],
    )
    @pytest.mark.usefixtures("tree")
    def test_what_was_given_is_named(self, run, receiver, verb, words, sentence):
        done = run(verb, *(receiver if word == "ADDRESS" else word for word in words))
        assert sentence in done.sentence
        assert done.status == 2
        assert done.out == ""

    @pytest.mark.usefixtures("tree")
    def test_nobody_answers(self, run):
        with socket.create_server(("127.0.0.1", 0)) as gone:
            address = f"127.0.0.1:{gone.getsockname()[1]}"
        done = run("send", "photos", address)
        assert done.status == 1
        assert "is `dwcp receive` running there" in done.sentence

    def test_another_token_is_refused(self, run, tree, receiver, monkeypatch, tmp_path):
        monkeypatch.setenv("DWCP_KEYS", str(tmp_path / "other keys"))
        done = run("send", tree, receiver)
        assert done.status == 1
        assert "token" in done.sentence
        assert not (tmp_path / "to" / "photos").exists()

    def test_something_else_listens_there(self, run, tree):
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = f"127.0.0.1:{server.getsockname()[1]}"

            def answer():
                with server.accept()[0] as client:
                    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

            thread = threading.Thread(target=answer)
            thread.start()
            done = run("send", tree, address, "--retries", "0")
            thread.join()
        assert done.status == 1
        assert done.sentence

    @pytest.mark.parametrize(
        ("words", "status", "sentence"),
        [
            (["to", "--listen", "anywhere"], 2, "'anywhere' is not an address"),
            (["to", "--listen", "no.such.host.invalid:0"], 2, "no.such.host.invalid"),
            (["to", "--listen", "IN USE"], 2, "the address is in use already; choose another port"),
            (["photos/list.txt", "--listen", LOOPBACK], 1, "photos/list.txt is not a folder; choose another"),
            (
                ["photos/list.txt/in", "--listen", LOOPBACK],
                1,
                "photos/list.txt is not a folder; choose another",
            ),
            (["/proc/in", "--listen", LOOPBACK], 1, "no folder can be made in /proc; choose another"),
            (["to", "--listen", LOOPBACK, "--peer", "stranger"], 2, "stranger"),
            (["to", "--listen", LOOPBACK, "--timeout", "0"], 2, "--timeout"),
            (["to", "--listen", LOOPBACK, "--forever"], 2, "--forever"),
            ([], 2, "missing argument"),
        ],
    )
    @pytest.mark.usefixtures("tree")
    def test_a_receiver_that_cannot_begin(self, run, words, status, sentence):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            done = run("receive", *(address if word == "IN USE" else word for word in words))
        assert sentence in done.sentence
        assert "may pass" not in done.sentence
        assert done.status == status
        assert "listening" not in done.err

    def test_a_folder_that_may_not_be_written(self, run, tmp_path):
        (tmp_path / "to").mkdir(mode=0o555)
        if os.access(tmp_path / "to", os.W_OK):
            pytest.skip("this user may write everywhere")
        done = run("receive", "to", "--listen", LOOPBACK)
        assert done.status == 1
        assert "to" in done.sentence

    @pytest.mark.usefixtures("receiver")
    def test_a_folder_has_one_receiver(self, run):
        done = run("receive", "to", "--listen", LOOPBACK)
        assert done.status == 1
        assert "in use by another receiver" in done.sentence


class TestProcesses:
    def test_both_commands_meet(self, start, tree, tmp_path):
        receiving = start("receive", "to", "--listen", LOOPBACK, "--once", "--json")
        listening = json.loads(receiving.stdout.readline())
        address = listening.pop("address")
        assert listening == {"event": "listening", "folder": "to"}
        sending = start("send", tree, address, "--streams", "1", "--json")
        said, complaints = sending.communicate(timeout=60)
        assert (sending.returncode, complaints) == (0, "")
        events, complaints = receiving.communicate(timeout=60)
        assert (receiving.returncode, complaints) == (0, "")
        received = json.loads(events)
        assert set(received) == {
            *("event", "name", "content", "files_written", "files_kept", "files_deleted"),
            *("bytes_written", "wire_bytes", "seconds", "peer", "special_dropped"),
        }
        assert (received["event"], received["peer"]) == ("received", "127.0.0.1")
        assert received["content"] == json.loads(said)["content"]
        assert received["bytes_written"] == 40_800
        assert (tmp_path / "to" / "photos" / "list.txt").exists()

    def test_a_receiver_tells_of_failures_and_goes_on_until_it_is_told_to_end(self, start, run, tree):
        receiving = start("receive", "to", "--listen", LOOPBACK, "--json")
        address = json.loads(receiving.stdout.readline())["address"]
        assert run("send", tree, address, "--streams", "1").status == 0
        assert json.loads(receiving.stdout.readline())["event"] == "received"
        assert run("send", tree, address).status == 1
        failed = json.loads(receiving.stdout.readline())
        assert set(failed) == {"event", "peer", "error", "detail"}
        assert (failed["event"], failed["error"]) == ("failed", "TransferRefusedError")
        receiving.terminate()
        assert receiving.communicate(timeout=60) == ("", "")
        assert receiving.returncode == 0

    def test_dropped_bits_are_told_of(self, start, run, tree):
        (tree / "list.txt").chmod(0o4755)
        receiving = start("receive", "to", "--listen", LOOPBACK, "--once")
        address = receiving.stderr.readline().split()[2]
        assert run("send", tree, address, "--streams", "1").status == 0
        said, remarks = receiving.communicate(timeout=60)
        assert said.startswith("photos from 127.0.0.1 is in place: 2 files written, 0 kept, ")
        assert remarks == (
            "set-user-id, set-group-id or sticky bits of 1 file or folder were not taken over "
            "(--keep-special does)\n"
        )

    def test_an_interrupted_receiver_says_so(self, start):
        receiving = start("receive", "to", "--listen", LOOPBACK)
        assert receiving.stderr.readline().startswith("listening on 127.0.0.1:")
        receiving.send_signal(signal.SIGINT)
        said, complaints = receiving.communicate(timeout=60)
        assert (receiving.returncode, said, complaints) == (130, "", "dwcp: interrupted\n")

    def test_an_interrupted_sending_goes_on(self, start, run, receiver, stalling, tmp_path):
        address, stalls = stalling
        source = tmp_path / "noise"
        source.write_bytes(random.Random(3).randbytes(40_000_000))
        sending = start("send", source, address, "--codec", "none", "--streams", "1")
        assert stalls.wait(60)
        sending.send_signal(signal.SIGINT)
        said, complaints = sending.communicate(timeout=60)
        assert (sending.returncode, said) == (130, "")
        assert complaints.splitlines()[-1] == "dwcp: interrupted; the same command goes on where it was"
        assert "Traceback" not in complaints
        assert not (tmp_path / "to" / "noise").exists()
        done = run("send", source, receiver, "--codec", "none", "--json")
        assert done.status == 0, done.err
        assert json.loads(done.out)["wire_bytes"] < 32_000_000
        assert (tmp_path / "to" / "noise").read_bytes() == source.read_bytes()


def test_what_a_store_at_the_receiver_has_is_not_sent(start, run, tree, tmp_path):
    assert run("store", "init", "store").status == 0
    assert run("store", "put", "store", tree).status == 0
    receiving = start("receive", "to", "--listen", LOOPBACK, "--store", "store", "--once", "--json")
    address = json.loads(receiving.stdout.readline())["address"]
    done = run("send", tree, address, "--json")
    assert receiving.wait(60) == 0
    assert done.status == 0
    assert json.loads(done.out)["wire_bytes"] < 4000
    assert (tmp_path / "to" / "photos" / "summer" / "sea.jpg").read_bytes() == (
        tree / "summer" / "sea.jpg"
    ).read_bytes()


def test_a_store_that_is_none_is_said(run):
    done = run("receive", "to", "--store", "nowhere")
    assert done.status == 1
    assert done.err.startswith("dwcp: there is no store in nowhere")


def test_a_store_travels_like_any_folder(run, receiver, tree, tmp_path):
    assert run("store", "init", "store").status == 0
    for round_ in range(2):
        (tree / "list.txt").write_text(f"sea {round_}\n" * 200)
        assert run("store", "put", "store", tree).status == 0
        done = run("sync", "store", receiver, "--json")
        assert done.status == 0
    assert json.loads(done.out)["wire_bytes"] < 20_000, "the first pack is there already"
    assert run("store", "verify", tmp_path / "to" / "store").status == 0
    assert run("store", "get", tmp_path / "to" / "store", "latest", "back").status == 0
    assert (tmp_path / "back" / "photos" / "list.txt").read_text() == "sea 1\n" * 200
