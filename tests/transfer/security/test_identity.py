import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.errors import InputError
from dwcp.transfer.security.identity import certificate_of, fingerprint_of, make_identity, read_certificate

IDENTITY = make_identity()
CERTIFICATE = IDENTITY[IDENTITY.index(b"-----BEGIN CERTIFICATE") :]


def test_a_certificate_comes_back_as_it_went():
    der = certificate_of(IDENTITY)
    assert read_certificate(CERTIFICATE) == der == certificate_of(CERTIFICATE)
    assert read_certificate(b"words before\n" + CERTIFICATE.replace(b"\n", b"\r\n") + b"words after\n") == der


def test_a_fingerprint_is_thirty_two_bytes_in_capitals():
    told = fingerprint_of(certificate_of(CERTIFICATE))
    assert len(bytes.fromhex(told.replace(":", ""))) == 32
    assert told == told.upper()


def pem(content):
    body = base64.encodebytes(content)
    return b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(pem)))
def test_what_is_no_certificate_is_an_input_error(content):
    with pytest.raises(InputError):
        read_certificate(content)


@settings(deadline=None)
@given(st.integers(0, len(certificate_of(CERTIFICATE)) * 8 - 1))
def test_a_flipped_bit_gives_another_certificate_or_none(bit):
    der = bytearray(certificate_of(CERTIFICATE))
    der[bit // 8] ^= 1 << bit % 8
    try:
        read = read_certificate(pem(bytes(der)))
    except InputError:
        return
    assert read == der != certificate_of(CERTIFICATE)
