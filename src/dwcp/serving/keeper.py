"""What a server does besides answering: follows the registry, moves rollouts, remembers over restarts.

One thread calls `Keeper.tick` every few seconds. Nothing of it is in a hint's way.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dwcp.errors import ArtifactNotFoundError, DwcpError
from dwcp.registry import Registry
from dwcp.safety.breaker import CircuitBreaker
from dwcp.safety.drift import retraining_wanted
from dwcp.serving._kept import Kept, KeptFile, Say
from dwcp.serving.helm import Helm
from dwcp.serving.local import LocalAdvisor

__all__ = ["Keeper"]

_CHAMPION = "champion"
_FORMAT = 1
_LOOK_EVERY_S = 60.0
"""Between looks at drift, which compares some thousands of rows."""
_ALSO_EVERY = 5
"""Rounds between two looks at what else is kept, which is larger."""
_log = logging.getLogger(__name__)


class Keeper:
    """Keeps an advisor as the registry and the rollouts want it.

    Args:
        advisor: whose models are kept.
        registry: what holds the aliases.
        helm: the advisor's steering.
        file: where breakers and what policies learned survive a restart.
        also: what else survives one, by name: in ``NAME.json`` beside the file. Restored at once.
        say: told of what changed: an event's name, and words.
        clock: seconds since 1970.
        who: names this process in journals.
    """

    def __init__(
        self,
        advisor: LocalAdvisor,
        registry: Registry,
        helm: Helm,
        file: Path,
        *,
        also: Mapping[str, Kept] | None = None,
        say: Say = lambda event, words: _log.info("%s: %s", event, words),
        clock: Callable[[], float] = time.time,
        who: str = "dwcp serve",
    ) -> None:
        self._advisor = advisor
        self._registry = registry
        self._helm = helm
        self._file = KeptFile(file, "what was learned", say)
        self._also = [
            (kept, KeptFile(file.with_name(f"{name}.json"), f"the record of {name}", say))
            for name, kept in (also or {}).items()
        ]
        self._say = say
        self._clock = clock
        self._who = who
        self._followed: dict[str, str | None] = {}
        self._since_s: dict[str, float] = {}
        self._looked_s = float("-inf")
        self._advised: set[tuple[str, str]] = set()
        self._refused: set[tuple[str, str]] = set()
        self._rounds = 0
        self._remembered = self._read()
        for kept, beside in self._also:
            beside.restore(kept, clock())
        self._recalled = False
        self._begun = False
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def tick(self) -> None:
        """Once round. Never raises: what goes wrong is told and tried again."""
        try:
            self._round()
        except Exception:  # noqa: BLE001 - a breach must be rolled back whatever else went wrong
            _log.exception("a round of what keeps the models failed; the next one begins where it began")
        self._begun = True

    def has_begun(self) -> bool:
        """Whether a first round is over: breakers, candidates and memories are back."""
        return self._begun

    def start(self, every_s: float = 2.0) -> None:
        """Tick on a thread until `close`."""
        self._thread = threading.Thread(target=self._run, args=(every_s,), name="dwcp-keeper", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread and write what is remembered."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self._helm.close()
        self._keep()
        self._keep_also()

    def _run(self, every_s: float) -> None:
        while not self._over.wait(every_s):
            self.tick()

    def _round(self) -> None:
        self._advisor.settle()
        self._helm.tick()
        for name in self._advisor.slots():
            self._attempt(name, self._follow)
            self._attempt(name, self._promote)
        if not self._recalled:
            self._recall()
        for name, wanted in self._helm.candidates().items():
            self._have_beside(name, wanted)
        self._look_at_drift(self._clock())
        self._keep()
        self._rounds += 1
        if self._rounds % _ALSO_EVERY == 0:
            self._keep_also()

    def _look_at_drift(self, now: float) -> None:
        """Say once of a version that it should be trained again; its age counts from when it came here."""
        if self._helm.drift is None or abs(now - self._looked_s) < _LOOK_EVERY_S:
            return
        self._looked_s = now
        for name, report in self._helm.drift.reports(now).items():
            version = self._followed.get(name)
            advised = retraining_wanted(report, now - self._since_s.get(name, now))
            if advised.wanted and version is not None and (name, version) not in self._advised:
                self._advised.add((name, version))
                self._say("retrain", f"{name} {version} should be trained again: {advised.why}")

    def _follow(self, name: str) -> None:
        """Serve what the champion's alias holds, when that has changed since it was last looked at."""
        try:
            held = self._registry.aliases(name).get(_CHAMPION)
        except ArtifactNotFoundError:
            held = None
        known = name in self._followed
        before = self._followed.get(name)
        if known and held == before:
            return
        if held is None:
            if before is not None:
                self._advisor.unload(name)
                self._say("withdrawn", f"{name} has no champion any more: its rule answers")
        else:
            ref = self._advisor.load(name)
            self._restore(name, ref.version)
            if known:
                self._say("swapped", f"{name} {ref.version} is in service")
        self._followed[name], self._since_s[name] = held, self._clock()

    def _have_beside(self, name: str, wanted: frozenset[str]) -> None:
        slot = self._advisor.slots()[name]
        for version in wanted - slot.loaded().keys():
            try:
                self._advisor.load_beside(name, version)
            except DwcpError as error:
                if (name, version) not in self._refused:
                    self._refused.add((name, version))
                    self._say("refused", f"{name} {version} cannot be asked beside the champion: {error}")
            else:
                self._restore(name, version)
                self._say("beside", f"{name} {version} is asked beside the champion")
        for version in slot.beside.keys() - wanted:
            self._advisor.leave(name, version)

    def _promote(self, name: str) -> None:
        """Make a candidate that is complete everywhere the champion."""
        rollout = self._helm.rollouts.get(name)
        if rollout is None:
            return
        # Another process may have promoted it meanwhile, and somebody taken that back.
        rollout.poll()
        state = rollout.state
        if state is None or state.promoted or not state.complete or rollout.killed is not None:
            return
        now, version = self._clock(), state.start.candidate
        why = "its rollout is complete in every region"
        self._registry.promote(name, version, _CHAMPION, now=now, who=self._who, why=why)
        rollout.promoted(now=now, who=self._who, why=why)
        self._say("promoted", f"{name} {version} is champion: {why}")
        self._follow(name)

    def _attempt(self, name: str, act: Callable[[str], None]) -> None:
        try:
            act(name)
        except DwcpError as error:
            if (name, str(error)) not in self._refused:
                self._refused.add((name, str(error)))
                self._say("refused", f"{name} goes on as it was: {error}")

    def _restore(self, name: str, version: str) -> None:
        """Let the breaker of a model that comes into service go on where it was before the restart, once."""
        breakers = self._part_of(name, "breakers")
        breaker = self._advisor.slots()[name].find(version).breaker
        state = breakers.pop(version, None)
        if not isinstance(state, Mapping) or not isinstance(breaker, CircuitBreaker):
            return
        try:
            breaker.restore(state, self._advisor.now())
        except DwcpError as error:
            self._say("forgotten", f"{name} {version} begins anew: {error}")

    def _recall(self) -> None:
        """Let policies go on where they were before the restart."""
        self._recalled = True
        for name in self._advisor.slots():
            memory = self._part_of(name, "memory")
            if not memory:
                continue
            try:
                self._advisor.restore(name, memory)
            except DwcpError as error:
                self._say("forgotten", f"what {name} learned begins anew: {error}")

    def _part_of(self, name: str, part: str) -> dict[str, Any]:
        task = self._remembered.get(name)
        found = task.get(part) if isinstance(task, dict) else None
        return found if isinstance(found, dict) else {}

    def _keep(self) -> None:
        """Write what must survive a restart, where it has changed."""
        self._file.write(self._told)

    def _keep_also(self) -> None:
        for kept, beside in self._also:
            beside.write(kept.snapshot)

    def _told(self) -> bytes:
        told = {"format": _FORMAT, "tasks": {name: self._state_of(name) for name in self._advisor.slots()}}
        return json.dumps(told, allow_nan=False).encode()

    def _state_of(self, name: str) -> dict[str, Any]:
        now, models = self._advisor.now(), self._advisor.slots()[name].loaded()
        breakers = {
            version: model.breaker.snapshot(now)
            for version, model in models.items()
            if isinstance(model.breaker, CircuitBreaker)
        }
        return {"breakers": breakers, "memory": self._advisor.snapshot(name)}

    def _read(self) -> dict[str, Any]:
        content = self._file.read()
        if content is None:
            return {}
        try:
            told = json.loads(content)
            if told["format"] == _FORMAT and isinstance(told["tasks"], dict):
                return told["tasks"]
            fault = f"it is of format {told['format']!r}, not {_FORMAT}"
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            fault = f"{type(error).__name__}: {error}"
        self._file.refuse(fault)
        return {}
