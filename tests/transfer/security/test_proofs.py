import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.errors import InputError, ProtocolError
from dwcp.transfer.security.proofs import binding_of, checked_token, proves, receiver_proof, sender_proof

TOKEN = "abcdefghijklmnopqrstuvwxyz"
ONE, TWO, THREE = bytes(32), bytes(range(32)), b"\xff" * 32


@pytest.mark.parametrize(
    ("make", "label"), [(receiver_proof, b"dwcp receiver 1"), (sender_proof, b"dwcp sender 1")]
)
def test_a_proof_is_what_is_written_down(make, label):
    expected = hmac.new(TOKEN.encode(), label + THREE + ONE + TWO, hashlib.sha256).digest()
    assert make(TOKEN, ONE, TWO, THREE) == expected


def test_a_proof_is_the_same_everywhere():
    assert receiver_proof(TOKEN, ONE, TWO, THREE).hex() == (
        "fae2f94a68866f907fb4d11d4b6f718cd48515b2335c68d3f727fcf952bcac4e"
    )
    assert sender_proof(TOKEN, ONE, TWO, THREE).hex() == (
        "e61bbb9ab8705e6ef88067a1df715c910bab6a3c075fa98ab25690538814b5b6"
    )


inputs = st.tuples(
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=32, max_size=32),
)
makers = st.sampled_from([receiver_proof, sender_proof])


@settings(deadline=None)
@given(makers, inputs, makers, inputs)
def test_proofs_are_equal_only_for_the_same_thing(one, first, two, second):
    same = one(TOKEN, *first) == two(TOKEN, *second)
    assert same == ((one, first) == (two, second))


@settings(deadline=None)
@given(inputs, st.integers(0, 255))
def test_a_flipped_bit_proves_nothing(given_inputs, bit):
    proof = bytearray(sender_proof(TOKEN, *given_inputs))
    assert proves(bytes(proof), sender_proof(TOKEN, *given_inputs))
    proof[bit // 8] ^= 1 << bit % 8
    assert not proves(bytes(proof), sender_proof(TOKEN, *given_inputs))


@settings(deadline=None)
@given(st.binary(max_size=64).filter(lambda value: len(value) != 32), st.integers(0, 2))
def test_other_lengths_are_refused(wrong, place):
    values = [ONE, TWO, THREE]
    values[place] = wrong
    for make in (receiver_proof, sender_proof):
        with pytest.raises(ProtocolError, match="32 bytes"):
            make(TOKEN, *values)


@settings(deadline=None)
@given(st.binary(max_size=64).filter(lambda value: value != receiver_proof(TOKEN, ONE, TWO, THREE)))
def test_garbage_proves_nothing(proof):
    assert not proves(proof, receiver_proof(TOKEN, ONE, TWO, THREE))


def test_a_binding_is_the_digest_of_the_certificate():
    assert binding_of(b"certificate") == hashlib.sha256(b"certificate").digest()


@pytest.mark.parametrize("token", ["", "short", "x" * 21, "x" * 1025, "  " + "x" * 21 + "\n"])
def test_a_token_that_could_be_guessed_is_refused(token):
    with pytest.raises(InputError, match=rf"has {len(token.strip())} characters; it needs 22 to 1024"):
        checked_token(token)


@pytest.mark.parametrize("token", ["x" * 20 + " y y", "x" * 22 + "ü", "x" * 22 + "\0"])
def test_a_token_of_other_characters_is_refused(token):
    with pytest.raises(InputError, match="blanks or other"):
        checked_token(token)


def test_white_space_round_a_token_is_left_out():
    assert checked_token(f"  {TOKEN}\r\n") == TOKEN
