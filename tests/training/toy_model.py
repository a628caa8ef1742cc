"""The toy's model: a linear network over two inputs, exported with the project's own exporter."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from toy_task import COLUMNS, PIPES, ToyTask, arrays

from dwcp.features.transforms import Standardise
from dwcp.training.export import export_module, finish, merge


class Network(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.scale, self.layer = scale, nn.Linear(2, 2)

    def forward(self, size_bytes, load):
        costs = self.layer(self.scale(torch.stack([size_bytes, load], dim=1)))
        return costs, costs.argmin(dim=1)


@dataclass
class Fitted:
    network: Network
    fault: str

    def predict(self, given):
        with torch.no_grad():
            costs, choice = self.network(*(torch.from_numpy(given[c.name]) for c in COLUMNS))
        shift = 1e-2 if self.fault == "no parity" else 0.0
        return {"costs": costs.numpy() + np.float32(shift), "choice": choice.numpy()}

    def to_onnx(self):
        outputs = ToyTask().outputs[: 1 if self.fault == "no choice" else 2]
        part = export_module(self.network, COLUMNS, ["costs", "choice"])
        return finish(merge({"network": part}, COLUMNS, outputs))

    def summary(self):
        return {"threads": torch.get_num_threads(), "weights": 6}


def fit_network(train, options, fault):
    torch.manual_seed(options.seed)
    given = arrays([case.context for case in train])
    columns = np.stack([given["size_bytes"], given["load"]], axis=1)
    wanted = torch.tensor([[case.outcomes[pipe].time_s for pipe in PIPES] for case in train])
    network = Network(Standardise.fit(columns))
    optimiser = torch.optim.Adam(network.parameters(), lr=0.3)
    for _ in range(options.epochs):
        loss = (network(*(torch.from_numpy(given[c.name]) for c in COLUMNS))[0] - wanted).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return Fitted(network.eval(), fault)
