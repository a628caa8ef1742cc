"""Small groups and a graph that answers what a test wants."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from dwcp.tasks.consensus.contract import Context, Step
from dwcp.tasks.consensus.names import CHANNELS

CALM = Step(
    queue_depth=2.0,
    proposals_pending=0.0,
    proposals_committed=90.0,
    latency_p50_ms=4.0,
    latency_p95_ms=9.0,
    latency_p99_ms=12.0,
    leader_changes=0.0,
    quorum_size=2.0,
    active_nodes=3.0,
    network_tier=1.0,
    profile=1.0,
    consensus_type=1.0,
    requests_issued=90.0,
    requests_ok=90.0,
    oldest_ms=1.0,
    members=3.0,
    members_up=3.0,
    leader_known=1.0,
    leaderless=0.0,
    restarts=0.0,
)


@pytest.fixture
def calm():
    return CALM


@pytest.fixture
def context_of():
    def make(*latest, calm_s=29, **parts):
        return Context("group", (CALM,) * calm_s + tuple(latest), **parts)

    return make


class Saying:
    """A graph that says the latency of the newest second as its margin."""

    threshold = 20.0

    def run(self, given):
        newest = given["window"][:, -1, 3]
        rows, channels = len(newest), len(CHANNELS)
        deviation = np.zeros((rows, channels), np.float32)
        deviation[:, CHANNELS.index("latency_p50_ms")] = newest
        return {
            "margin": newest,
            "threshold": np.full(rows, self.threshold, np.float32),
            "parts": np.zeros((rows, 5), np.float32),
            "deviation": deviation,
            "weight": np.ones((rows, channels), np.float32),
        }


@pytest.fixture
def graph():
    return Saying()


@pytest.fixture
def live(context_of):
    """Decide and observe second by second; gives what was said of each."""

    def run(policy, latencies, start_s=0.0):
        said, rng = [], Random(1)
        for place, latency in enumerate(latencies):
            context, now = context_of(replace(CALM, latency_p50_ms=latency)), start_s + place
            action = policy.decide(context, now, rng).action
            policy.observe(context, action, None, now)
            said.append(action)
        return said

    return run
