"""What a codec will cost on a flow: from round numbers, corrected by what this session measured.

A codec's ratio is taken as zstd-1's to a power that belongs to the codec, and its speed as a round number
times a factor that belongs to the flow. Both are rough (within 20% for most files) and both mend with every
bundle. In the pipelined model of a transfer a byte costs the slower of the link and of the encoders.
"""

import math
from collections.abc import Iterable

from msgspec import Struct, field

from dwcp.codecs.facts import BlockFacts, Probe
from dwcp.tasks.compression.contract import Action, action_named

__all__ = ["INCOMPRESSIBLE", "NONE", "Experience", "Resources", "Typical", "cheapest"]

NONE = Action("none")
INCOMPRESSIBLE = 0.97
"""Stored over plain bytes from which on compressing is not worth its while."""

_USUAL_RATIO = 0.4
_USUAL_DELTA_RATIO = 0.1
_USUAL_WEIGHT, _LOOK_WEIGHT = 0.05, 1.0
"""Of what is usual, and of what probes say, beside what one codec did."""
_WEIGHT = 0.5
"""Of a codec's latest bundle beside all before it."""
_CORE_SHARE = 0.9
"""Of a core, for each encoder: readers and streams need some too."""
_OTHERS_SHARE = 0.5
"""Of a bundle that each other encoder makes meanwhile: some of them began with this one."""
_DOUBT = 2.0
"""A codec that was not run on a flow yet may take that many times as long as is usual."""
_CPU_TIE = 0.02
"""Of two codecs that cost the same the one that works less is better, by this share of its work."""
_FRESH = 0.1
_SMALLEST_RATIO = 1e-4
_EASIER = 0.5
"""Time goes with that power of the ratio, below the usual one."""
_HALF_LIFE_S = 8.0
"""Of what was measured and not again: data and other work on the machine change."""
_INCOMPRESSIBLE_BITS = 7.95


class Typical(Struct, frozen=True):
    """Round numbers of a codec.

    Attributes:
        action: the codec.
        power: its ratio is zstd-1's (for deltas: delta-1's) to this power.
        mb_per_s: plain megabytes a second of one core of a server, where zstd-1's ratio is the usual one.
    """

    action: Action
    power: float
    mb_per_s: float


def _typical(name: str, power: float, mb_per_s: float) -> Typical:
    return Typical(action_named(name), power, mb_per_s)


_TYPICAL = {
    typical.action: typical
    for typical in (
        _typical("lz4", 0.70, 700),
        _typical("lz4hc-9", 0.88, 40),
        _typical("zstd--7", 0.67, 750),
        _typical("zstd--3", 0.80, 680),
        _typical("zstd--1", 0.87, 600),
        _typical("zstd-1", 1.00, 500),
        _typical("zstd-3", 1.05, 330),
        _typical("zstd-6", 1.09, 115),
        _typical("zstd-9", 1.11, 70),
        _typical("zstd-12", 1.12, 42),
        _typical("zstd-15", 1.13, 13),
        _typical("zstd-19", 1.18, 3.8),
        _typical("delta-1", 1.00, 300),
        _typical("delta-3", 1.03, 220),
        _typical("delta-9", 1.10, 60),
        _typical("delta-19", 1.15, 4),
    )
}


class Resources(Struct, frozen=True):
    """What there is to spend.

    Attributes:
        bandwidth_mbps: of the link.
        cpu_workers: that encode at the same time.
        ready_bytes: stored bytes that wait for the link, without this bundle.
        bundle_bytes: plain bytes of the bundle; 0 where there is none in particular.
    """

    bandwidth_mbps: float
    cpu_workers: int
    ready_bytes: int = 0
    bundle_bytes: int = 0

    @property
    def link_bytes_per_s(self) -> float:
        """The same in bytes."""
        return self.bandwidth_mbps * 1e6 / 8


class _Measured(Struct):
    """What one codec did lately.

    Attributes:
        log_ratio: of zstd-1 (of delta-1), as this codec tells it.
        log_slowness: time over what is usual.
        weight: 1 when it is fresh.
    """

    log_ratio: float
    log_slowness: float
    weight: float = 1.0


class _Family(Struct):
    """What is known of plain codecs, or of deltas.

    Attributes:
        log_ratio: of the weakest level, before anything was measured.
        weight: of that, beside what was measured.
        measured: by codec.
    """

    log_ratio: float
    weight: float = _USUAL_WEIGHT
    measured: dict[Action, _Measured] = field(default_factory=dict)

    def mean(self, action: Action) -> tuple[float, float]:
        """Ratio and slowness to expect of a codec: its own, as far as they are fresh, else the others'."""
        weights, ratio, slowness = self.weight, self.weight * self.log_ratio, 0.0
        for known in self.measured.values():
            weights += known.weight
            ratio += known.weight * known.log_ratio
            slowness += known.weight * known.log_slowness
        ratio, slowness = ratio / weights, slowness / weights
        own = self.measured.get(action)
        if own is None:
            return ratio, slowness
        left = 1 - own.weight
        return own.weight * own.log_ratio + left * ratio, own.weight * own.log_slowness + left * slowness

    def age(self, left: float) -> None:
        """Let what was measured count less."""
        for known in self.measured.values():
            known.weight *= left
        self.weight = max(self.weight * left, _USUAL_WEIGHT)


class Experience(Struct):
    """What a flow has taught. Not safe to use from several threads at once."""

    _plain: _Family = field(default_factory=lambda: _Family(math.log(_USUAL_RATIO)))
    _delta: _Family = field(default_factory=lambda: _Family(math.log(_USUAL_DELTA_RATIO)))
    _aged_s: float = -math.inf

    def age(self, now: float) -> None:
        """Let what was measured fade towards what is usual.

        Args:
            now: seconds.
        """
        if now > self._aged_s > -math.inf:
            left = 0.5 ** ((now - self._aged_s) / _HALF_LIFE_S)
            self._plain.age(left)
            self._delta.age(left)
        self._aged_s = max(now, self._aged_s)

    def look(self, facts: BlockFacts) -> None:
        """Take in what probes said."""
        ratio = _probed_ratio(facts)
        if ratio is not None:
            self._plain.log_ratio, self._plain.weight = _log(ratio), _LOOK_WEIGHT
        if facts.reference is not None and facts.reference.delta is not None:
            self._delta.log_ratio, self._delta.weight = _log(facts.reference.delta.ratio), _LOOK_WEIGHT

    def observe(self, action: Action, plain_bytes: int, stored_bytes: int, busy_s: float) -> None:
        """Take in what a bundle came to.

        Args:
            action: the codec.
            plain_bytes: of the bundle.
            stored_bytes: as the codec made it, also where it was then sent as it is.
            busy_s: of one worker.
        """
        typical = _TYPICAL.get(action)
        if typical is None or plain_bytes == 0:
            return
        log_ratio = min(_log(stored_bytes / plain_bytes), 0.0) / typical.power
        measured = self._family(action).measured
        known = measured.setdefault(action, _Measured(log_ratio, 0.0))
        known.log_ratio += _WEIGHT * (log_ratio - known.log_ratio)
        usual_s = math.exp(self._usual_log_s(typical)) * plain_bytes
        log_slowness = math.log(max(busy_s, 1e-7) / usual_s)
        known.log_slowness += (_WEIGHT if known.log_slowness else 1.0) * (log_slowness - known.log_slowness)
        known.weight = 1.0

    @property
    def is_begun(self) -> bool:
        """Whether any codec was run without a reference."""
        return bool(self._plain.measured)

    def forget(self) -> None:
        """What was incompressible may have ended: expect the usual again."""
        self._plain = _Family(math.log(_USUAL_RATIO))

    def ratio(self, action: Action) -> float:
        """Stored over plain bytes, as expected."""
        typical = _TYPICAL.get(action)
        if typical is None:
            return 1.0
        return math.exp(self._family(action).mean(action)[0] * typical.power)

    def s_per_byte(self, action: Action) -> float:
        """Seconds of one worker a plain byte, as expected."""
        typical = _TYPICAL.get(action)
        if typical is None:
            return 0.0
        return math.exp(self._usual_log_s(typical) + self._family(action).mean(action)[1])

    def is_measured(self, action: Action) -> bool:
        """Whether the codec was run on this flow, and not too long ago."""
        known = self._family(action).measured.get(action)
        return known is not None and known.weight > _FRESH

    def cost_s(self, action: Action, resources: Resources) -> float:
        """Seconds a plain byte takes in a transfer, as expected.

        That is the slower of encoders and link, and the time that the link would be idle because what is
        ready, and what the other encoders make meanwhile, does not last until this bundle is.
        """
        busy_s = self.s_per_byte(action)
        encoding_s = busy_s / (resources.cpu_workers * _CORE_SHARE)
        sending_s = self.ratio(action) / resources.link_bytes_per_s
        idle_s = 0.0
        if resources.bundle_bytes:
            covered_s = resources.ready_bytes / resources.link_bytes_per_s / resources.bundle_bytes
            others_s = _OTHERS_SHARE * (resources.cpu_workers - 1) * sending_s
            doubt = 1.0 if self.is_measured(action) else _DOUBT
            idle_s = max(doubt * busy_s - covered_s - others_s, 0.0)
        return max(encoding_s, sending_s) + idle_s + _CPU_TIE * encoding_s

    def _family(self, action: Action) -> _Family:
        return self._delta if action.use_reference else self._plain

    def _usual_log_s(self, typical: Typical) -> float:
        """Seconds a byte, usually: what compresses well is compressed fast."""
        ratio, _ = self._plain.mean(NONE)
        return _EASIER * min(ratio - math.log(_USUAL_RATIO), 0.0) - math.log(typical.mb_per_s * 1e6)


def _log(ratio: float) -> float:
    return math.log(max(ratio, _SMALLEST_RATIO))


def cheapest(experience: Experience, candidates: Iterable[Action], resources: Resources) -> Action:
    """The candidate that costs least, as expected; `none` where there are no candidates."""
    return min(
        candidates, key=lambda action: (experience.cost_s(action, resources), action.name), default=NONE
    )


def _probed_ratio(facts: BlockFacts) -> float | None:
    """Zstd-1's ratio, from the deepest probe there is; bytes without any structure need no probe."""
    probes: tuple[tuple[Probe | None, float], ...] = (
        (facts.zstd_whole, 1.0),
        (facts.zstd_fast, 1.0),
        (facts.lz4, _TYPICAL[action_named("lz4")].power),
        (facts.lz4_light, _TYPICAL[action_named("lz4")].power),
    )
    for probe, power in probes:
        if probe is not None:
            return float(min(probe.ratio, 1.0) ** (1 / power))
    return 1.0 if facts.entropy_bits > _INCOMPRESSIBLE_BITS else None
