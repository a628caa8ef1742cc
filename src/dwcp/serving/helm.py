"""The steering of a server: kill switches, rollouts, experiments and shadows under one home.

A question goes its way in this order: an engaged kill switch gives it to the rule; an experiment on the
task takes the units of its traffic; a rollout takes the others; the champion answers the rest. What was
measured is handed to whoever sent it that way.

`Helm.tick`, called every few seconds by one background thread, reads what changed on disk, moves rollouts and
writes what waits.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec

from dwcp.errors import DwcpError
from dwcp.safety.experiments import Experiment, ExperimentBook, ExperimentLog, ExperimentState
from dwcp.safety.flags import FlagsFile
from dwcp.safety.rollout import DEFAULT_REGION, Arm, Assignment, KillSwitches, Measurement, Rollout
from dwcp.safety.shadow import ShadowDecision, ShadowLog, ShadowOutcome
from dwcp.serving.drifting import DriftWatch
from dwcp.serving.hint import Hint, Reason
from dwcp.serving.steering import CHAMPION, Route
from dwcp.task import Verdict

__all__ = ["CHAMPION_ARM", "MEASURED", "RULE_ARM", "Heard", "Helm"]

RULE_ARM, CHAMPION_ARM = "rule", "champion"
"""Names of an experiment's arms that stand for no version."""

MEASURED = Verdict._fields
"""Names of the metrics that experiments on hints may have."""

_FAILURES = frozenset(
    {
        Reason.FALLBACK_ERROR,
        Reason.FALLBACK_DEADLINE,
        Reason.FALLBACK_BREAKER_OPEN,
        Reason.FALLBACK_NO_MODEL,
        Reason.FALLBACK_SCHEMA_MISMATCH,
    }
)
"""Reasons that count as failures of whoever was asked; an input out of range is its caller's."""

_MOST_ROUTES = 65_536
"""Units whose way is known until the next tick."""

_log = logging.getLogger(__name__)


class Heard(Protocol):
    """Who wants to know what every measured outcome was worth."""

    def __call__(self, task: str, version: str, verdict: Verdict, *, control: bool, now: float) -> None:
        """One more outcome; must not raise, and takes microseconds; see `Judgements.add`."""
        ...


class _Arms(NamedTuple):
    """What a question is known by."""

    unit: str
    assignment: Assignment | None = None
    experiment: "_Running | None" = None
    shadow_id: str = ""


class _Running(NamedTuple):
    """An experiment that takes units."""

    experiment: Experiment
    log: ExperimentLog
    metrics: frozenset[str]


class Helm:
    """`dwcp.serving.steering.Steering` over the files of a home. Safe from any thread.

    Args:
        home: the folder that holds ``rollouts``, ``experiments`` and ``shadow``.
        tasks: names of the tasks that are served.
        flags: file of the published flags; None for none.
        heard: told of every measured outcome.
        drift: shown a sample of the champion's questions, and what came of them.
        clock: seconds since 1970.
        who: names this process in journals.
    """

    def __init__(
        self,
        home: Path,
        tasks: Iterable[str],
        *,
        flags: Path | None = None,
        heard: Heard | None = None,
        drift: DriftWatch | None = None,
        clock: Callable[[], float] = time.time,
        who: str = "automatic",
    ) -> None:
        self.switches = KillSwitches(home, None if flags is None else FlagsFile(flags))
        self.rollouts: Mapping[str, Rollout] = {
            name: Rollout(home, name, switches=self.switches, who=who) for name in tasks
        }
        self.book = ExperimentBook(home)
        self.shadow_log = ShadowLog(home / "shadow" / "decisions.jsonl")
        self.drift = drift
        self._heard = heard
        self._clock = clock
        self._logs: dict[str, ExperimentLog] = {}
        self._running: Mapping[str, tuple[_Running, ...]] = {}
        self._shadowed = 0
        self._routes: dict[tuple[str, str, str], Route] = {}
        self._poll_experiments()

    def candidates(self) -> Mapping[str, frozenset[str]]:
        """Versions besides the champion that may be asked, by task."""
        wanted: dict[str, set[str]] = {name: set() for name in self.rollouts}
        for name, rollout in self.rollouts.items():
            if rollout.state is not None and rollout.state.active:
                wanted[name].add(rollout.state.start.candidate)
            for running in self._running.get(name, ()):
                arms = {arm.name for arm in running.experiment.plan.arms}
                wanted[name] |= arms - {RULE_ARM, CHAMPION_ARM}
        return {name: frozenset(versions) for name, versions in wanted.items()}

    def route(self, task_name: str, unit: str, region: str) -> Route:
        """Who answers; see `Steering.route`. A kill holds at once, what else moved from the next `tick`."""
        killed = self.switches.engaged(task_name)
        if killed:
            return Route(reason=Reason.KILL_SWITCH, detail=killed, arms=_Arms(unit))
        found = self._routes.get((task_name, unit, region))
        if found is None:
            found = self._route(task_name, unit, region)
            if not found.shadow and len(self._routes) < _MOST_ROUTES:
                self._routes[task_name, unit, region] = found
        return found

    def _route(self, task_name: str, unit: str, region: str) -> Route:
        for running in self._running.get(task_name, ()):
            arm = running.experiment.arm(unit) if unit else None
            if arm is not None:
                return _route_of_arm(running, arm, unit)
        rollout = self.rollouts.get(task_name)
        if rollout is None:
            return CHAMPION
        assignment = rollout.arm(unit, region or DEFAULT_REGION)
        if not assignment.visit:
            return CHAMPION
        return self._route_of_rollout(rollout, assignment, unit)

    def answered(self, task_name: str, route: Route, context: Any, hint: Hint[Any]) -> None:
        """A hint was given; see `Steering.answered`."""
        if self.drift is not None and not route.version:
            self.drift.offer(task_name, context, hint)
        arms: _Arms | None = route.arms
        if arms is None:
            return
        if arms.experiment is not None:
            arms.experiment.log.expose(arms.unit, _arm_name(route), self._clock())
        elif arms.assignment is not None:
            if route.version and (hint.model is None or hint.model.version != route.version):
                # The candidate is not loaded yet, as after a restart: others answer for it.
                return
            failed = hint.reason in _FAILURES and route.reason is Reason.MODEL
            self.rollouts[task_name].record(
                arms.assignment, arms.assignment.arm, Measurement(not failed, hint.latency_ms)
            )

    def judged(self, task_name: str, route: Route, verdict: Verdict, version: str) -> None:
        """An outcome was measured; see `Steering.judged`."""
        arms: _Arms | None = route.arms
        if self.drift is not None and version and not route.version:
            self.drift.judged(task_name, verdict)
        if self._heard is not None:
            self._heard(task_name, version, verdict, control=not version, now=self._clock())
        if arms is None:
            return
        if arms.experiment is not None:
            figures = {
                name: float(value)
                for name, value in verdict._asdict().items()
                if value is not None and name in arms.experiment.metrics
            }
            if figures:
                arms.experiment.log.outcome(arms.unit, figures, self._clock())
        elif arms.assignment is not None:
            self.rollouts[task_name].record(arms.assignment, arms.assignment.arm, _measured(verdict))

    def shadowed(self, task_name: str, route: Route, hint: Hint[Any], candidate: Hint[Any]) -> None:
        """The candidate was asked, too; see `Steering.shadowed`."""
        arms: _Arms | None = route.arms
        if arms is None or arms.assignment is None:
            return
        failed = candidate.reason in _FAILURES
        self.rollouts[task_name].record(
            arms.assignment, Arm.CANDIDATE, Measurement(not failed, candidate.latency_ms)
        )
        self.shadow_log.offer(
            ShadowDecision(
                self._clock(),
                task_name,
                arms.unit,
                hint.model.version if hint.reason is Reason.MODEL and hint.model is not None else "",
                route.shadow,
                _plain(hint.action),
                _plain(candidate.action),
                candidate.latency_ms,
                arms.shadow_id,
                candidate.detail or candidate.reason.value if candidate.action is None else "",
            )
        )

    def shadow_judged(self, task_name: str, route: Route, verdict: Verdict) -> None:
        """The candidate's answer was measured; see `Steering.shadow_judged`."""
        arms: _Arms | None = route.arms
        if arms is None or arms.assignment is None:
            return
        self.rollouts[task_name].record(arms.assignment, Arm.CANDIDATE, _measured(verdict))
        self.shadow_log.offer(
            ShadowOutcome(task_name, arms.shadow_id, correct=verdict.correct, candidate_regret=verdict.regret)
        )

    def tick(self) -> None:
        """Read what changed, move rollouts, write what waits. Never raises a `DwcpError`: it is logged."""
        now = self._clock()
        for rollout in self.rollouts.values():
            rollout.tick(now)
        self._attempt("experiments", self._poll_experiments)
        self._routes = {}
        for name, log in list(self._logs.items()):
            self._attempt(f"the log of experiment {name}", log.flush)
        self._attempt("the shadow log", self.shadow_log.flush)
        if self.drift is not None:
            self._attempt("drift", self.drift.tick)

    def close(self) -> None:
        """Write what waits, and let other processes take over what this one measured."""
        self.tick()
        for rollout in self.rollouts.values():
            rollout.close()

    def _route_of_rollout(self, rollout: Rollout, assignment: Assignment, unit: str) -> Route:
        state = rollout.state
        if state is None:
            return CHAMPION
        start = state.start
        if assignment.arm is Arm.CANDIDATE:
            return Route(version=start.candidate, arms=_Arms(unit, assignment))
        shadow, shadow_id = "", ""
        if assignment.shadowed:
            self._shadowed += 1
            shadow, shadow_id = start.candidate, f"{assignment.visit:x}-{self._shadowed:x}"
        arms = _Arms(unit, assignment, shadow_id=shadow_id)
        if start.control is None:
            detail = f"{start.candidate} is rolled out, {assignment.stage}; this unit is not among those"
            return Route(reason=Reason.ROLLOUT_CONTROL, detail=detail, shadow=shadow, arms=arms)
        return Route(shadow=shadow, arms=arms)

    def _poll_experiments(self) -> None:
        running: dict[str, list[_Running]] = {}
        for record in self.book.records():
            plan = record.plan
            if record.state is not ExperimentState.RUNNING or plan.task not in self.rollouts:
                continue
            log = self._logs.setdefault(plan.name, self.book.log(plan.name))
            metrics = frozenset(metric.name for metric in plan.metrics)
            running.setdefault(plan.task, []).append(_Running(record.experiment(), log, metrics))
        self._running = {task: tuple(found) for task, found in running.items()}

    def _attempt(self, what: str, act: Callable[[], None]) -> None:
        try:
            act()
        except DwcpError as error:
            _log.error("%s: %s", what, error)


def _route_of_arm(running: _Running, arm: str, unit: str) -> Route:
    if arm == RULE_ARM:
        detail = f"experiment {running.experiment.plan.name} has this unit in the arm {arm}"
        return Route(reason=Reason.EXPERIMENT_CONTROL, detail=detail, arms=_Arms(unit, experiment=running))
    version = "" if arm == CHAMPION_ARM else arm
    return Route(version=version, arms=_Arms(unit, experiment=running))


def _arm_name(route: Route) -> str:
    return RULE_ARM if route.reason is Reason.EXPERIMENT_CONTROL else route.version or CHAMPION_ARM


def _measured(verdict: Verdict) -> Measurement:
    return Measurement(
        correct=verdict.correct, regret=verdict.regret, throughput_mbps=verdict.throughput_mbps
    )


def _plain(action: Any) -> Any:
    return None if action is None else msgspec.to_builtins(action)
