"""The models that `dwcp serve` serves: loaded and verified while it answers already."""

import asyncio
import gc
from collections.abc import Sequence
from pathlib import Path

from dwcp.cli.serving_loop import Told
from dwcp.errors import ArtifactNotFoundError, DwcpError, InputError, RegistryError
from dwcp.registry import Registry
from dwcp.serving.keeper import Keeper
from dwcp.serving.local import LocalAdvisor

__all__ = ["load_models", "require_registry", "wanted_tasks"]

_CHAMPION = "champion"


def require_registry(root: Path) -> None:
    """Refuse a registry that was named and is not there; the usual one may come later.

    Args:
        root: its folder.

    Raises:
        InputError: there is no such folder.
    """
    if not root.exists():
        raise InputError(
            f"there is no registry in {root}: name a folder that is there, or leave --registry out to serve "
            f"the one in the home"
        )


def wanted_tasks(registry: Registry, known: Sequence[str], named: Sequence[str]) -> list[str]:
    """The tasks whose model must be in service before the server is ready.

    Args:
        registry: where models are.
        known: all tasks.
        named: those that were asked for; all that have a champion where none was.

    Raises:
        InputError: there is no such task, or the registry is no folder.
    """
    if registry.root.exists() and not registry.root.is_dir():
        raise InputError(f"{registry.root} is not a folder; name the one that holds the registry")
    for name in named:
        if name not in known:
            raise InputError(f"there is no task {name!r}; there are {', '.join(known)}")
    return list(named) or [name for name in known if _has_champion(registry, name)]


async def load_models(advisor: LocalAdvisor, wanted: Sequence[str], told: Told, keeper: Keeper) -> None:
    """Load and verify one model after the other; one that is refused leaves the server not ready.

    From then on the registry is followed.
    """
    failed = []
    for name in wanted:
        try:
            ref = await asyncio.to_thread(advisor.load, name)
        except DwcpError as error:
            failed.append(name)
            told.say("refused", f"{name} has no model: {error}", task=name, error=str(error))
        else:
            told.say("loaded", f"{name} {ref.version} is in service", task=name, version=ref.version)
    words = f"not ready: {', '.join(failed)}" if failed else "ready"
    for name in advisor.slots():
        await asyncio.to_thread(advisor.warm, name)
    await asyncio.to_thread(keeper.tick)
    # What is loaded stays: a whole collection, which holds up every request, need not walk it.
    gc.collect()
    gc.freeze()
    keeper.start()
    told.say("ready" if not failed else "not ready", words, tasks=list(wanted))


def _has_champion(registry: Registry, name: str) -> bool:
    try:
        return _CHAMPION in registry.aliases(name)
    except ArtifactNotFoundError:
        return False
    except RegistryError:
        # There may be one: not ready until it can be read.
        return True
