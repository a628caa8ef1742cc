"""The tools are described whole: what is in braces is known, and what is missing is named."""

import re

import pytest
from benchmarks.transfer.peers import OTHERS, Peer

WORDS = {"destination", "source", "parent", "address", "port", "work", "before", "verb"}


@pytest.mark.parametrize("peer", OTHERS, ids=lambda peer: peer.name)
def test_scripts_name_only_what_they_are_given(peer: Peer) -> None:
    environment = " ".join(value for _, value in peer.environment)
    scripts = (peer.receive, peer.send, peer.prepare, peer.prepare_old, peer.unpack, environment)
    assert set(re.findall(r"{(\w+)}", " ".join(scripts))) <= WORDS
    assert "{port}" in peer.receive
    assert "{port}" in peer.send + peer.prepare
    assert "{address}" in peer.receive


def test_names_tell_peers_apart() -> None:
    assert len({peer.name for peer in OTHERS}) == len(OTHERS)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    borg = next(peer for peer in OTHERS if peer.name.startswith("borg"))
    assert borg.missing() == "borg, socat is not installed"
