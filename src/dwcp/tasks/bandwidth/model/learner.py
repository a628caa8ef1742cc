"""Fitting a network to what came."""

from collections.abc import Sequence
from copy import deepcopy

import torch

from dwcp.errors import TrainingError
from dwcp.evaluation.policy import Case
from dwcp.task import Progress, TrainingOptions
from dwcp.tasks.bandwidth.contract import Action, Context, Outcome
from dwcp.tasks.bandwidth.model.fitted import FittedForecast
from dwcp.tasks.bandwidth.model.loss import forecast_loss
from dwcp.tasks.bandwidth.model.network import NETWORKS, Forecast, NetworkName
from dwcp.tasks.bandwidth.model.rows import Made, made_of, rows_of

__all__ = ["BandwidthLearner"]

BandwidthCase = Case[Context, Action, Outcome]

_BATCH_ROWS, _LEAST_BATCHES = 512, 16
_LEARNING_RATE, _WEIGHT_DECAY = 2e-3, 1e-3
_PATIENCE = 8
_LARGEST_NORM = 1.0
_BOTH = "both"
_LEAST_LINKS, _HELD_OUT_OF = 2, 4


class BandwidthLearner:
    """Fits the network that ``options.extra["network"]`` names: one of `NETWORKS`, usually the TCN.

    ``options.extra["mode"]`` says of which conditions the cases are that it is fitted to: ``datacenter``,
    ``internet``, or ``both``, which is usual.
    """

    def fit(
        self,
        train: Sequence[BandwidthCase],
        validation: Sequence[BandwidthCase],
        options: TrainingOptions,
        progress: Progress,
    ) -> FittedForecast:
        """AdamW with a one-cycle rate; the epoch with the least loss on ``validation`` is kept.

        Raises:
            TrainingError: there is nothing to train on or to stop by, or no such network.
        """
        name, mode = _network(options), str(options.extra.get("mode", _BOTH))
        if mode != _BOTH:
            train, validation = _of_mode((*train, *validation), mode)
        if not train or not validation:
            raise TrainingError("the network needs cases to train on and others to stop by; record more")
        torch.manual_seed(options.seed)
        torch.set_num_threads(options.threads)
        forecast = Forecast(name)
        rows, held = (made_of(forecast.features, rows_of(cases)) for cases in (train, validation))
        summary = _train(forecast, rows, held, options, progress)
        weights = sum(parameter.numel() for parameter in forecast.parameters())
        return FittedForecast(forecast, {"network": name, "mode": mode, "weights": weights, **summary})


def _of_mode(
    cases: Sequence[BandwidthCase], mode: str
) -> tuple[Sequence[BandwidthCase], Sequence[BandwidthCase]]:
    """Those of one regime, dealt anew by link: every fourth to stop by, since the parts may hold none of it.

    Raises:
        TrainingError: there are fewer than two links of that regime.
    """
    kept = [case for case in cases if case.context.regime == mode]
    links = sorted({case.group for case in kept})
    if len(links) < _LEAST_LINKS:
        raise TrainingError(
            f"the cases hold {len(links)} links in mode {mode!r}, too few to train on and to stop by; "
            "record more, or train on both modes"
        )
    held = set(links[_HELD_OUT_OF - 1 :: _HELD_OUT_OF] or links[-1:])
    return [case for case in kept if case.group not in held], [case for case in kept if case.group in held]


def _network(options: TrainingOptions) -> NetworkName:
    wanted = options.extra.get("network", NETWORKS[0])
    for name in NETWORKS:
        if name == wanted:
            return name
    raise TrainingError(f"there is no network {wanted!r}; choose among {', '.join(NETWORKS)}")


def _train(
    forecast: Forecast, rows: Made, held: Made, options: TrainingOptions, progress: Progress
) -> dict[str, object]:
    """Train in place; the epoch kept, and its loss."""
    optimiser = torch.optim.AdamW(forecast.parameters(), _LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
    batch_rows = min(_BATCH_ROWS, max(1, len(rows) // _LEAST_BATCHES))
    batches = -(-len(rows) // batch_rows)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, _LEARNING_RATE, total_steps=max(2, options.epochs * batches)
    )
    shuffler = torch.Generator().manual_seed(options.seed)
    best, best_loss, best_epoch = deepcopy(forecast.state_dict()), float("inf"), 0
    for epoch in range(options.epochs):
        forecast.train()
        for chosen in torch.split(torch.randperm(len(rows), generator=shuffler), batch_rows):
            batch = rows.take(chosen)
            optimiser.zero_grad()
            loss = _batch_loss(forecast, batch)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(forecast.parameters(), _LARGEST_NORM)
            optimiser.step()
            schedule.step()
        held_loss = _loss(forecast, held)
        progress((epoch + 1) / options.epochs, f"epoch {epoch + 1}, validation loss {held_loss:.4f}")
        if held_loss < best_loss:
            best, best_loss, best_epoch = deepcopy(forecast.state_dict()), held_loss, epoch + 1
        elif epoch + 1 - best_epoch >= _PATIENCE:
            break
    forecast.load_state_dict(best)
    return {"epoch": best_epoch, "validation_loss": best_loss, "rows": len(rows)}


def _loss(forecast: Forecast, rows: Made) -> float:
    forecast.eval()
    total = 0.0
    with torch.no_grad():
        for chosen in torch.split(torch.arange(len(rows)), 4 * _BATCH_ROWS):
            batch = rows.take(chosen)
            total += float(_batch_loss(forecast, batch)) * len(batch)
    return total / len(rows)


def _batch_loss(forecast: Forecast, batch: Made) -> torch.Tensor:
    answer = forecast.told(batch.channels, batch.figures)
    return forecast_loss(answer, batch.anchors, batch.targets)
