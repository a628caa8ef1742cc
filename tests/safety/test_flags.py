import json
import os

import pytest

from dwcp.errors import SettingsError
from dwcp.safety.flags import KEYS, Flags, FlagsFile, parse_flags

PUBLISHED = {
    "enableV3Transport": True,
    "enableV3Compression": False,
    "enableV3Prediction": True,
    "v3RolloutPercentage": 25,
    "forceV1Mode": False,
    "enableHybridMode": False,
    "enableModeDetection": True,
}


def parsed(**values) -> Flags:
    return parse_flags(json.dumps(values).encode(), "flags.json")


def test_every_published_key_is_read():
    assert set(PUBLISHED) == set(KEYS)
    expected = Flags(v3_compression=False, rollout_percentage=25, hybrid_mode=False)
    assert parsed(**PUBLISHED) == expected
    assert parsed() == Flags()


def test_what_each_key_stops():
    assert parsed(forceV1Mode=True).disabled("anything") == "the flag forceV1Mode is set"
    off = parsed(enableV3Compression=False)
    assert off.disabled("compression") == "the flag enableV3Compression is off"
    assert off.disabled("bandwidth") is None
    assert parsed(enableV3Prediction=False).disabled("bandwidth")
    assert parsed(enableV3Transport=False).disabled("peers")
    assert parsed(enableHybridMode=False, enableModeDetection=False).disabled("bandwidth") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"v3RolloutPercentage": 101}', "v3RolloutPercentage must be a whole number from 0 to 100, not 101"),
        ('{"v3RolloutPercentage": -1}', "not -1"),
        ('{"v3RolloutPercentage": 5.0}', "not 5.0"),
        ('{"v3RolloutPercentage": true}', "not true"),
        ('{"forceV1Mode": "yes"}', 'forceV1Mode must be true or false, not "yes"'),
        ('{"forceV1Mode": 1}', "not 1"),
        ('{"enableV3Transprot": true}', "'enableV3Transprot' is not a flag"),
        ('{"forceV1Mode": true, "forceV1Mode": false}', "forceV1Mode is there twice"),
        ('{"forceV1Mode": 0, "v3RolloutPercentage": 999}', "not 0; v3RolloutPercentage"),
        ("{", "are not JSON"),
        ("\xff", "are not JSON"),
        ("[]", "not a JSON object"),
        ("7", "not a JSON object"),
        ("[" * 100_000, "are not JSON"),
    ],
)
def test_each_fault_is_named_in_one_sentence(text, words):
    with pytest.raises(SettingsError) as refused:
        parse_flags(text.encode("latin-1"), "flags.json")
    assert words in str(refused.value)
    assert "flags.json" in str(refused.value)
    assert "\n" not in str(refused.value)


def write(path, **values) -> None:
    path.write_text(json.dumps(values))
    # A clock too coarse to tell two writes apart is not what is tested here.
    write.times += 1
    os.utime(path, ns=(write.times, write.times))


write.times = 0


def test_a_changed_file_is_read_again_and_only_then(tmp_path, monkeypatch):
    flags = FlagsFile(tmp_path / "flags.json")
    assert flags.current == Flags()
    assert not flags.poll()
    write(flags.path, v3RolloutPercentage=10)
    assert flags.poll()
    assert flags.current.rollout_percentage == 10
    monkeypatch.setattr(FlagsFile, "_read", lambda _: pytest.fail("nothing changed"))
    assert not flags.poll()


def test_a_fault_leaves_the_old_flags_in_force_and_says_so(tmp_path, caplog):
    path = tmp_path / "flags.json"
    write(path, forceV1Mode=True)
    flags = FlagsFile(path)
    write(path, forceV1Mode=False, oops=1)
    assert not flags.poll()
    assert flags.current.force_v1_mode
    assert "'oops' is not a flag" in flags.fault
    assert "stay in force" in caplog.text
    write(path, forceV1Mode=False)
    assert flags.poll()
    assert not flags.fault
    assert not flags.current.force_v1_mode


def test_a_file_that_goes_away_lets_no_switch_go(tmp_path):
    path = tmp_path / "flags.json"
    write(path, forceV1Mode=True)
    flags = FlagsFile(path)
    path.unlink()
    flags.poll()
    assert flags.current.force_v1_mode
    assert "stay in force" in flags.fault


def test_a_file_with_a_fault_is_refused_at_the_start(tmp_path):
    write(tmp_path / "flags.json", forceV1Mode="no")
    with pytest.raises(SettingsError, match="must be true or false"):
        FlagsFile(tmp_path / "flags.json")
