"""What a path will carry: what was measured of it, step by step, and the forecast made of that."""

from collections import deque
from collections.abc import Sequence

from dwcp.serving import Advisor
from dwcp.tasks.bandwidth.contract import Action, Context, Outcome, Quantiles, Step
from dwcp.tasks.compression.contract import Link
from dwcp.transfer.amst.forecast import believed, own_forecast
from dwcp.transfer.amst.formulas import UNSURE_STREAMS
from dwcp.transfer.amst.link import LEAST_MBPS, Known, LinkEstimate
from dwcp.transfer.amst.samples import Sample

__all__ = ["STEP_S", "Outlook", "expected_mbps", "step_of", "streams_worth"]

STEP_S = 1.0
"""Length of a step."""

_MOST_STEPS = 60
_SEGMENT_BYTES = 1448
_LEAST_SEGMENTS = 4
"""What a stream keeps on the way at least: with fewer, a loss is not noticed by duplicate acknowledgements
(RFC 5681: three of them), and costs a timeout."""


class Outlook:
    """The forecast of one path, made anew after each step; the advisor learns from what came.

    Time is an argument; not safe to use from several threads at once.

    Args:
        advisor: whom to ask; None for nobody.
        path: the destination, ``host:port``: what an advisor learns of a path stays with it.
    """

    def __init__(self, advisor: Advisor | None, path: str) -> None:
        self._advisor, self._path = advisor, path
        self._steps: deque[Step] = deque(maxlen=_MOST_STEPS)
        self._asked: tuple[Context, Action] | None = None
        self._expected: Quantiles | None = None

    @property
    def expected(self) -> Quantiles | None:
        """Mean throughput of the next steps, in Mbit/s; None where nobody knows anything."""
        return self._expected

    @property
    def told(self) -> Quantiles | None:
        """The same where an advisor said so.

        None where it is the own mean, which knows no more than the estimate of the link does, and later.
        """
        return None if self._asked is None else self._expected

    def ask(self, epoch_s: float) -> Quantiles | None:
        """Make the forecast anew.

        Args:
            epoch_s: the time, in seconds since 1970 UTC.
        """
        context = Context(tuple(self._steps), STEP_S, epoch_s, self._path)
        action = believed(self._advisor, context)
        self._asked = None if action is None else (context, action)
        self._expected = own_forecast(context.steps) if action is None else action.horizon
        return self._expected

    def take(self, step: Step, epoch_s: float) -> Quantiles | None:
        """Take in a step that ends now, tell the advisor what came of its forecast, and ask again.

        Args:
            step: what was measured.
            epoch_s: the time, in seconds since 1970 UTC.
        """
        if self._advisor is not None and self._asked is not None:
            context, action = self._asked
            self._advisor.observe("bandwidth", context, action, Outcome((step,)))
        self._steps.append(step)
        return self.ask(epoch_s)


def step_of(samples: Sequence[Sample], length_s: float) -> Step:
    """The samples of one step as a step.

    Args:
        samples: in order; may be none.
        length_s: of the step, above 0.
    """
    acked = sum(sample.acked_bytes for sample in samples)
    sent = sum(sample.sent_bytes for sample in samples)
    resent = sum(sample.resent_bytes for sample in samples)
    last = samples[-1] if samples else None
    network_s = sum(sample.interval_s for sample in samples if sample.is_network_limited)
    return Step(
        throughput_mbps=acked * 8e-6 / length_s,
        rtt_ms=None if last is None else last.rtt_ms,
        jitter_ms=None if last is None else last.jitter_ms,
        packet_loss=min(resent / sent, 1.0) if sent else None,
        app_limited=network_s < length_s / 2,
    )


def expected_mbps(estimate: LinkEstimate, expected: Quantiles | None) -> float:
    """What to count on where codecs, bundles and buffers are chosen: the forecast, while the present allows.

    It is the median: the lower quantile would choose codecs too strong for what mostly comes, for which the
    link would then wait, bundles too small and buffers that hold a stream back. To have counted on too little
    costs more here than to have counted on too much, which the queue of ready bundles takes up.

    A forecast stands until the next step. In between the estimate, which is of the last half second, may
    leave the forecast's interval: then the forecast is wrong, and the estimate holds. It holds, too, where
    the network was not the limit: a forecast made of what was sent cannot see what was not.

    Args:
        estimate: the link as it is now.
        expected: the forecast; None where there is none.
    """
    now_mbps = estimate.link.bandwidth_mbps
    if expected is None or estimate.known is not Known.MEASURED:
        return now_mbps
    return max(expected.mid, LEAST_MBPS) if expected.low <= now_mbps <= expected.high else now_mbps


def streams_worth(expected: Quantiles | None, link: Link) -> int | None:
    """The most streams to add up to without signs, by the forecast's lower quantile; None for no such limit.

    As many as keep four segments each on the way when the link carries as little as that; with more, they
    crowd each other out. Four are never too many.

    Args:
        expected: the forecast; None where there is none.
        link: whose round trip counts.
    """
    if expected is None or link.rtt_ms <= 0:
        return None
    held_bytes = expected.low * 125 * link.rtt_ms
    return max(UNSURE_STREAMS, int(held_bytes / (_LEAST_SEGMENTS * _SEGMENT_BYTES)))
