"""Fitting the networks that learn what is usual: they see quiet seconds alone."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from dwcp.task import Progress, TrainingOptions
from dwcp.tasks.consensus.model.autoencoder import Autoencoder, Ensemble, seen_by_autoencoder
from dwcp.tasks.consensus.model.forecaster import Forecaster
from dwcp.tasks.consensus.model.rows import Rows

__all__ = ["Networks", "fit_networks"]

_BATCH_ROWS = 128
_LEARNING_RATE = 3e-3
_MOST_EPOCHS, _PATIENCE = 20, 3
_MOST_ROWS = 4000
_CALM_S, _LATEST = 10, 5
_LEAST_ERROR = 1e-5


@dataclass(frozen=True, slots=True)
class Networks:
    """What was fitted."""

    ensemble: Ensemble
    forecaster: Forecaster


def fit_networks(
    train: Rows, held: Rows, options: TrainingOptions, seeds: int, shrink: int, progress: Progress
) -> Networks:
    """Autoencoders, one a seed, and the forecaster; the epoch with the least error on held-out quiet is kept.

    Args:
        train: rows to fit on; those that have been calm for a while are.
        held: rows to stop by.
        options: seed, epochs (20 at most).
        seeds: how many autoencoders.
        shrink: divisor of their widths.
        progress: told after each epoch.
    """
    chosen, judged = _calm(train, options.seed), _calm(held, options.seed)
    moving = [
        seen_by_autoencoder(rows.window[at], rows.seen.off[at])
        for rows, at in ((train, chosen), (held, judged))
    ]
    members = []
    for number in range(seeds):
        torch.manual_seed(options.seed + number)
        member = Autoencoder(shrink)
        done = _part(progress, number, seeds + 1, f"autoencoder {number + 1} of {seeds}")
        _fit(member, _reconstruction, moving[0], moving[1], options, done)
        members.append(member)
    torch.manual_seed(options.seed)
    forecaster = Forecaster()
    pairs = [(rows.seen.off[at], rows.seen.known[at]) for rows, at in ((train, chosen), (held, judged))]
    _fit(forecaster, _forecast, pairs[0], pairs[1], options, _part(progress, seeds, seeds + 1, "forecaster"))
    ensemble = Ensemble(members).eval()
    with torch.no_grad():
        errors = ensemble.errors(held.window[judged], *pairs[1])
        ensemble.usual.copy_(errors.mean(dim=0).clamp(min=_LEAST_ERROR))
        errors = forecaster.errors(*pairs[1])
        forecaster.usual.copy_(errors.mean(dim=0).clamp(min=_LEAST_ERROR))
    return Networks(ensemble, forecaster.eval())


def _calm(rows: Rows, seed: int) -> Tensor:
    """Rows after some calm, all of them or so many at random."""
    calm = torch.from_numpy(rows.calm_s >= _CALM_S).nonzero()[:, 0]
    if not len(calm):
        calm = torch.from_numpy(np.isin(rows.kinds, ("quiet", "benign"))).nonzero()[:, 0]
    shuffler = torch.Generator().manual_seed(seed)
    return calm[torch.randperm(len(calm), generator=shuffler)[:_MOST_ROWS].sort()[0]]


def _reconstruction(network: nn.Module, moving: Tensor, constant: Tensor) -> Tensor:
    """Error over the latest seconds: what is before them may be another incident."""
    told = network(moving, constant)
    error: Tensor = (told - moving)[:, -_LATEST:].square().mean()
    return error


def _forecast(network: nn.Module, off: Tensor, known: Tensor) -> Tensor:
    errors: Tensor = network.errors(off, known)  # type: ignore[operator]
    return errors.mean()


def _fit(
    network: nn.Module,
    loss_of: Callable[..., Tensor],
    given: tuple[Tensor, Tensor],
    held: tuple[Tensor, Tensor],
    options: TrainingOptions,
    progress: Callable[[float], None],
) -> None:
    """Train in place, at a rate that falls."""
    optimiser = torch.optim.Adam(network.parameters(), lr=_LEARNING_RATE)
    epochs = min(options.epochs, _MOST_EPOCHS)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    shuffler = torch.Generator().manual_seed(options.seed)
    best, best_loss, waited = deepcopy(network.state_dict()), float("inf"), 0
    for epoch in range(epochs):
        network.train()
        for chosen in torch.split(torch.randperm(len(given[0]), generator=shuffler), _BATCH_ROWS):
            optimiser.zero_grad()
            loss_of(network, *(one[chosen] for one in given)).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        schedule.step()
        network.eval()
        with torch.no_grad():
            loss = float(loss_of(network, *held))
        progress((epoch + 1) / epochs)
        waited = 0 if loss < best_loss else waited + 1
        if loss < best_loss:
            best, best_loss = deepcopy(network.state_dict()), loss
        if waited >= _PATIENCE:
            break
    network.load_state_dict(best)
    network.eval()


def _part(progress: Progress, number: int, of: int, words: str) -> Callable[[float], None]:
    return lambda share: progress((number + share) / of, words)
