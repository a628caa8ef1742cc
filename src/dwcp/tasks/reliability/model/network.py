"""The alternative: a convolution over the window, then an LSTM."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dwcp.task import Progress, TrainingOptions
from dwcp.tasks.reliability.contract import METRICS

__all__ = ["Network", "train_network"]

_WIDTH, _KERNEL = 24, 5
_BATCH_ROWS = 256
_LEARNING_RATE = 3e-3
_MOST_EPOCHS, _PATIENCE = 12, 2


class Network(nn.Module):
    """Raw windows to log odds. Levels and differences to the peers, squashed, and what is missing.

    Args:
        centre: usual level of each metric and of each difference, shape ``(2 * metrics,)``.
        spread: their robust deviations, above zero.
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, centre: NDArray[np.float64], spread: NDArray[np.float64]) -> None:
        super().__init__()
        self.register_buffer("centre", torch.from_numpy(centre.astype(np.float32)))
        self.register_buffer("spread", torch.from_numpy(spread.astype(np.float32)))
        self.convolution = nn.Conv1d(3 * len(METRICS), _WIDTH, _KERNEL, padding=_KERNEL // 2)
        self.lstm = nn.LSTM(_WIDTH, _WIDTH, batch_first=True)
        self.head = nn.Linear(_WIDTH, 1)

    def forward(self, window: Tensor, peers: Tensor) -> Tensor:
        """``[batch, STEPS, metrics]`` twice to ``[batch, 1]``."""
        known = (window >= 0).to(window.dtype)
        both = known * (peers >= 0).to(window.dtype)
        figures = torch.cat([window, window - peers], dim=2)
        scaled = (figures - self.centre) / self.spread
        squashed = scaled / (1.0 + scaled.abs()) * torch.cat([known, both], dim=2)
        channels = torch.cat([squashed, 1.0 - known], dim=2)
        seen = torch.relu(self.convolution(channels.transpose(1, 2))).transpose(1, 2)
        hidden: Tensor = self.lstm(seen)[0]
        odds: Tensor = self.head(hidden[:, -1])
        return odds


def train_network(
    given: tuple[Tensor, Tensor],
    anomalous: NDArray[np.bool_],
    held: tuple[Tensor, Tensor],
    held_anomalous: NDArray[np.bool_],
    options: TrainingOptions,
    progress: Progress,
) -> Network:
    """Fit; the epoch with the least loss on the held-out rows is kept.

    Args:
        given: windows and peers to train on.
        anomalous: their labels.
        held: windows and peers to stop by.
        held_anomalous: their labels.
        options: seed, epochs (12 at most), threads.
        progress: told after each epoch.
    """
    torch.manual_seed(options.seed)
    network = Network(*_scale(*given))
    targets, held_targets = (
        torch.from_numpy(labels.astype(np.float32)) for labels in (anomalous, held_anomalous)
    )
    optimiser = torch.optim.Adam(network.parameters(), lr=_LEARNING_RATE)
    epochs = min(options.epochs, _MOST_EPOCHS)
    best, best_loss, waited = _copied(network), float("inf"), 0
    for epoch in range(epochs):
        network.train()
        for chosen in torch.split(torch.randperm(len(targets)), _BATCH_ROWS):
            optimiser.zero_grad()
            odds = network(given[0][chosen], given[1][chosen])[:, 0]
            nn.functional.binary_cross_entropy_with_logits(odds, targets[chosen]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        network.eval()
        with torch.no_grad():
            odds = network(*held)[:, 0]
            loss = float(nn.functional.binary_cross_entropy_with_logits(odds, held_targets))
        progress((epoch + 1) / epochs, f"network, epoch {epoch + 1}, loss {loss:.3f}")
        waited = 0 if loss < best_loss else waited + 1
        if loss < best_loss:
            best, best_loss = _copied(network), loss
        if waited >= _PATIENCE:
            break
    network.load_state_dict(best)
    return network.eval()


def _scale(window: Tensor, peers: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Medians and robust deviations of what is known in the newest steps."""
    now, beside = window[:, -1].numpy().astype(np.float64), peers[:, -1].numpy().astype(np.float64)
    columns = [
        values[known]
        for values, known in (
            *((now[:, place], now[:, place] >= 0) for place in range(now.shape[1])),
            *(
                (now[:, place] - beside[:, place], (now[:, place] >= 0) & (beside[:, place] >= 0))
                for place in range(now.shape[1])
            ),
        )
    ]
    centre = np.array([np.median(column) if column.size else 0.0 for column in columns])
    spread = np.array(
        [
            1.4826 * np.median(np.abs(column - middle)) + 0.1 * column.std() if column.size else 1.0
            for column, middle in zip(columns, centre, strict=True)
        ]
    )
    return centre, np.where(spread > 0, spread, 1.0)


def _copied(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}
