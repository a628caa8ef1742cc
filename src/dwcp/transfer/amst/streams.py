"""How many streams: decided while the transfer runs, by what measured goodput does when some are added.

Theory
======

One stream fills a clean link, and more of them neither help nor harm much. Where packets are lost at random,
a loss-based stream reaches only about ``segment / rtt * sqrt(3 / 2 / loss)`` (Mathis et al., "The Macroscopic
Behavior of the TCP Congestion Avoidance Algorithm", 1997): 1.8 Mbit/s at 1% over 80 ms. Where a window or a
socket buffer is full, it reaches ``window / rtt``. There, n streams carry n times as much, until the link is
full. So the signs to look for are losses without a queue and full windows (`StreamSigns`), and the proof is
goodput that grows with the streams. The phases::

    START ──growth and signs are over──► HOLD ──signs, or a long time──► CLIMB ──gain──► HOLD
    │   ▲                                │  ▲                             │
    └───┘ signs: 4 times as many         │  │ harm: as before             │ in vain
                                         ▼  │                             │
                                        REDUCE ◄──────────────────────────┘

- *Start*: goodput grows by itself (slow start), so only signs can tell. As long as they speak for more
  streams, these are multiplied at once.
- *Hold*: what is usual is measured. Trials wait twice as long each time one was in vain.
- *Climb*: twice as many streams, kept if goodput gains.
- *Reduce*: a quarter less at a time, where streams were added in vain, lose much in a queue, or are very
  many without need; taken back at once if goodput falls.

Too many streams cost a percent; too few cost their share of the link; and a stream that is closed takes its
window with it, which others need many round trips to win back. So additions are bold, and reductions careful.
Nothing is learned, and nothing changed, while anything but the network holds the transfer up.
"""

from collections.abc import Callable, Mapping
from enum import Enum, StrEnum

from msgspec import Struct

from dwcp.transfer.amst.formulas import UNSURE_STREAMS
from dwcp.transfer.amst.samples import Sample
from dwcp.transfer.amst.signs import StreamSigns

__all__ = ["ChangeReason", "StreamController"]

SETTLE_RTTS = 4
"""Round trips that do not count after streams came or went: by then a new one has left slow start where
losses hold it (10, 20, 40, 80 segments at 1%)."""
MEASURE_RTTS = 5
"""Round trips that a measurement lasts at least: most of a sawtooth of a stream that 1% loss holds to a
window of 12 segments, at any distance."""
SHORT_S = 0.2
"""Seconds that a measurement lasts at least at the start, or where signs speak for more: two looks."""
LONG_S = 1.0
"""The same where there is no hurry: noise falls with the square root of the time."""
STILL_GROWING = 1.25
"""Goodput that grew by more than this between measurements is in slow start: the limit by which BBR takes the
pipe as full (Cardwell et al., "BBR: Congestion-Based Congestion Control", 2016)."""
LONGEST_START_S = 3.0
"""Seconds after which the start is over whatever goodput does: slow start over 300 ms to 1 Gbit/s."""
FIRST_FACTOR = 4
"""What climbs of the start multiply by: three steps from 1 stream to 64."""
LATER_FACTOR = 2
"""What later climbs multiply by: the neighbourhood is known."""
GAIN = 1.1
"""A climb that gains less than this was in vain: over a second, goodput scatters by some percent."""
MANY = 16
"""Up to this many are left in peace while nothing speaks against them; the formula gives no more either."""
REDUCED = 0.75
"""What a reduction leaves; the published share."""
HARM = 0.97
"""A reduction that leaves less than this share of the goodput is taken back."""
CLIMB_WAIT_S = 4.0
"""Wait after a climb in vain where signs speak for another. A climb in vain costs some percent for about two
seconds, so with a wait that doubles, below 1% of the time."""
BLIND_WAIT_S = 20.0
"""Wait before a climb without signs; they miss what competing traffic takes."""
REDUCE_WAIT_S = 10.0
"""Wait before a reduction: one in vain costs a quarter for about two seconds, a right one gains little."""
LONGEST_WAIT_S = 300.0
"""Waits double up to this: over ten hours, a trial every five minutes."""
NEWS = 0.3
"""Weight of the latest measurement in what is usual: that is then a mean of the last five or so."""
CHANGED = 1.3
"""Goodput by this factor above or below the usual, twice in a row, means another link: waits begin anew."""
PATIENCE_S = 5.0
"""Seconds that streams are waited for; then those that are there are what is measured."""


class ChangeReason(StrEnum):
    """Why there are as many streams; the values are those of telemetry's ``stream_reason``."""

    START = "start"
    PROBING = "probing"
    NO_GAIN = "no_gain"
    CONGESTION = "congestion"


class _Phase(Enum):
    START = "start"
    HOLD = "hold"
    CLIMB = "climb"
    REDUCE = "reduce"


class _Measurement(Struct):
    """Goodput with one number of streams; time in which the network was not the limit is passed over."""

    acked_bytes: int = 0
    counted_s: float = 0.0
    passed_over_s: float = 0.0

    def take(self, sample: Sample) -> None:
        if sample.is_network_limited:
            self.acked_bytes += sample.acked_bytes
            self.counted_s += sample.interval_s
        else:
            self.passed_over_s += sample.interval_s

    @property
    def mbps(self) -> float:
        return max(self.acked_bytes, 1) * 8e-6 / self.counted_s


class StreamController:
    """Decides the number of streams; to be asked every 100 to 250 ms.

    Args:
        start: streams to begin with, from the path's memory, a forecast or the formula.
        max_streams: most streams, as agreed with the receiver.
        loss_based: the streams' congestion control takes losses for a full link (CUBIC, Reno; not BBR).
    """

    def __init__(self, start: int, max_streams: int = 64, *, loss_based: bool = True) -> None:
        self._max = self._worth = max(1, max_streams)
        self._wanted = max(1, min(self._max, start))
        self._reason = ChangeReason.START
        self._phase = _Phase.START
        self._signs = StreamSigns(loss_based)
        self._measured = _Measurement()
        self._before: tuple[int, float] | None = None
        self._reduce_to = 1
        self._usual_mbps: float | None = None
        self._began_s: float | None = None
        self._changed_s = float("-inf")
        self._settled_s: float | None = float("-inf")
        self._held_s = 0.0
        self._was_odd = False
        self._vain_climbs = self._vain_reductions = 0
        self._judges: Mapping[_Phase, Callable[[float, int, float], None]] = {
            _Phase.START: self._judge_start,
            _Phase.HOLD: self._judge_hold,
            _Phase.CLIMB: self._judge_climb,
            _Phase.REDUCE: self._judge_reduction,
        }

    @property
    def wanted(self) -> int:
        """Streams wanted now, 1 to ``max_streams``."""
        return self._wanted

    @property
    def reason(self) -> ChangeReason:
        """Why this many."""
        return self._reason

    def limit(self, most: int | None) -> None:
        """Without signs for more streams, add none beyond this for now; those that are there stay.

        Signs come first: where losses hold each stream by itself, a forecast is of what these few carry.

        Args:
            most: as the forecast says; None for as many as agreed.
        """
        self._worth = self._max if most is None else max(1, min(self._max, most))

    def step(self, now: float, sample: Sample) -> int:
        """Take in what happened, and say how many streams there should be.

        Args:
            now: the time in seconds, on a clock that only goes forward; the sample ends there.
            sample: what all streams did since the last step.

        Returns:
            1 to ``max_streams``.
        """
        if self._began_s is None:
            self._began_s = now - sample.interval_s
        rtt_s = (sample.rtt_ms or 0.0) / 1e3
        if self._counts(now, sample, rtt_s):
            self._signs.take(now, sample)
            self._measured.take(sample)
            hurry = self._phase is _Phase.START or (self._signs.more and not self._vain_climbs)
            self._judge(now, sample.streams, max(SHORT_S if hurry else LONG_S, MEASURE_RTTS * rtt_s))
        return self._wanted

    def _counts(self, now: float, sample: Sample, rtt_s: float) -> bool:
        """Whether the streams that are wanted are there, and have been for long enough."""
        missing = sample.streams != self._wanted and now - self._changed_s < PATIENCE_S
        if missing or not sample.streams:
            self._measured, self._settled_s = _Measurement(), None
            return False
        if self._settled_s is None:
            self._settled_s = now + SETTLE_RTTS * rtt_s
        return now - sample.interval_s >= self._settled_s

    def _judge(self, now: float, streams: int, enough_s: float) -> None:
        done = self._measured
        climbing = self._phase is _Phase.START and self._signs.more and streams < self._max
        if climbing and done.counted_s > done.passed_over_s:
            self._before = None
            self._change(now, min(self._max, streams * FIRST_FACTOR), ChangeReason.PROBING)
        elif done.counted_s >= enough_s:
            self._measured = _Measurement()
            self._judges[self._phase](now, streams, done.mbps)
        elif done.passed_over_s > max(done.counted_s, enough_s):
            self._measured = _Measurement()
            if self._phase is not _Phase.START:
                self._hold(now)

    def _judge_start(self, now: float, streams: int, mbps: float) -> None:
        grew = self._before is None or mbps > STILL_GROWING * self._before[1]
        self._before = streams, mbps
        if not grew or now - (self._began_s or now) > LONGEST_START_S:
            self._hold(now)

    def _judge_hold(self, now: float, streams: int, mbps: float) -> None:
        self._heed_change(now, mbps)
        waited_s = now - self._held_s
        most = self._max if self._signs.more else self._worth
        if streams < most and waited_s >= self._climb_wait_s():
            self._before, self._phase = (streams, self._usual_mbps or mbps), _Phase.CLIMB
            self._change(now, min(most, streams * LATER_FACTOR), ChangeReason.PROBING)
        elif self._may_reduce(streams) and waited_s >= self._reduce_wait_s():
            least = UNSURE_STREAMS if self._signs.fewer else MANY
            self._reduce(now, streams, self._usual_mbps or mbps, least)

    def _heed_change(self, now: float, mbps: float) -> None:
        """Follow the usual goodput; begin anew where it has become another, twice in a row."""
        usual = mbps if self._usual_mbps is None else self._usual_mbps
        is_odd = not usual / CHANGED < mbps < usual * CHANGED
        if is_odd and self._was_odd:
            self._vain_climbs = self._vain_reductions = 0
            self._held_s, usual, is_odd = now, mbps, False
        self._was_odd = is_odd
        self._usual_mbps = usual + NEWS * (mbps - usual)

    def _climb_wait_s(self) -> float:
        if self._signs.more and not self._vain_climbs:
            return 0.0
        first_s = CLIMB_WAIT_S / 2 if self._signs.more else BLIND_WAIT_S
        return min(LONGEST_WAIT_S, first_s * 2.0 ** min(self._vain_climbs, 10))

    def _may_reduce(self, streams: int) -> bool:
        return streams > UNSURE_STREAMS if self._signs.fewer else streams > MANY and not self._signs.more

    def _reduce_wait_s(self) -> float:
        return min(LONGEST_WAIT_S, REDUCE_WAIT_S * 2.0 ** min(self._vain_reductions, 10))

    def _judge_climb(self, now: float, streams: int, mbps: float) -> None:
        fewer, less_mbps = self._before or (streams, mbps)
        if mbps >= GAIN * less_mbps:
            self._vain_climbs = 0
            self._hold(now)
        else:
            self._vain_climbs += 1
            self._reduce(now, streams, mbps, fewer)

    def _reduce(self, now: float, streams: int, mbps: float, least: int) -> None:
        self._before, self._phase, self._reduce_to = (streams, mbps), _Phase.REDUCE, least
        reason = ChangeReason.CONGESTION if self._signs.fewer else ChangeReason.NO_GAIN
        self._change(now, max(least, int(streams * REDUCED)), reason)

    def _judge_reduction(self, now: float, streams: int, mbps: float) -> None:
        more, more_mbps = self._before or (streams, mbps)
        if mbps < HARM * more_mbps:
            self._vain_reductions += 1
            self._change(now, more, ChangeReason.NO_GAIN)
            self._hold(now)
        elif streams > self._reduce_to:
            self._reduce(now, streams, mbps, self._reduce_to)
        else:
            self._hold(now)

    def _hold(self, now: float) -> None:
        self._phase, self._held_s, self._usual_mbps = _Phase.HOLD, now, None

    def _change(self, now: float, streams: int, reason: ChangeReason) -> None:
        if streams != self._wanted:
            self._wanted, self._reason = streams, reason
            self._changed_s, self._settled_s = now, None
            self._measured = _Measurement()
            self._signs.forget()
