"""Made-up histories."""

import numpy as np

from dwcp.tasks.bandwidth.contract import Context, Outcome, Step


def steps(values, **others) -> tuple[Step, ...]:
    return tuple(Step(None if value is None else float(value), **others) for value in values)


def context(values, epoch_s: float = 1e6, **others) -> Context:
    given = values if values and isinstance(values[0], Step) else steps(values)
    return Context(given, step_s=1.0, epoch_s=epoch_s, **others)


def wandering(count: int, spread: float, seed: int = 1) -> np.ndarray:
    """A random walk of the logarithm."""
    return np.exp(4 + np.cumsum(np.random.default_rng(seed).normal(0, spread, count)))


def noisy(count: int, spread: float, seed: int = 1) -> np.ndarray:
    """A level with noise around it: the last value is a poor guess."""
    return np.exp(4 + np.random.default_rng(seed).normal(0, spread, count))


def walk(policy, values, path: str = "a", start_s: float = 1e6):
    """Let a policy forecast each value from those before it; pairs of action and truth."""
    made = steps(values)
    found = []
    for at in range(2, len(made) - 4):
        now = context(made[max(0, at - 60) : at], start_s + at, path=path)
        action = policy.decide(now, 0.0, None).action
        policy.observe(now, action, Outcome(made[at : at + 5]), 0.0)
        found.append((action, float(values[at])))
    return found
