"""Which arm a unit is in: a function of the experiment's name, its weights and the unit, and of nothing else.

Two draws for each unit, from buckets of their own: whether it takes part, and in which arm. A greater traffic
share lets more units in and moves none, as the arm doesn't depend on the share; a smaller one lets some out,
and they come back to the arm they had. Neither draw shares a seed with rollouts.
"""

from dwcp.errors import InputError
from dwcp.safety.bucketing import BUCKETS, ExperimentBuckets
from dwcp.safety.experiments.plan import ExperimentPlan

__all__ = ["Experiment"]


class Experiment:
    """An experiment as the asking path sees it: it never changes and takes no lock; any thread may ask.

    Args:
        plan: what is compared.
        traffic: share of all units that take part, from 0 to 1.
        running: False gives no unit an arm.

    Raises:
        InputError: the traffic is out of range.
    """

    __slots__ = ("_admitted", "_arm_bucket", "_arms", "_traffic_bucket", "plan", "traffic")

    def __init__(self, plan: ExperimentPlan, traffic: float = 1.0, *, running: bool = True) -> None:
        if not 0 <= traffic <= 1:
            raise InputError(f"the traffic of experiment {plan.name} must be from 0 to 1, not {traffic}")
        self.plan = plan
        self.traffic = traffic if running else 0.0
        self._admitted = round(self.traffic * BUCKETS)
        self._traffic_bucket = ExperimentBuckets(f"{plan.name} traffic").of
        self._arm_bucket = ExperimentBuckets(plan.name).of
        self._arms = _arms_of_buckets(plan)

    def arm(self, unit: str) -> str | None:
        """The unit's arm; None outside the traffic."""
        admitted = self._admitted
        if admitted < BUCKETS and (not admitted or self._traffic_bucket(unit) >= admitted):
            return None
        return self._arms[self._arm_bucket(unit)]


def _arms_of_buckets(plan: ExperimentPlan) -> tuple[str, ...]:
    """The arm of each bucket: runs as long as the shares want, to the nearest bucket."""
    arms: list[str] = []
    until = 0.0
    for name, share in plan.shares.items():
        until += share
        arms += [name] * (round(until * BUCKETS) - len(arms))
    return tuple(arms)
