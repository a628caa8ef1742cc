"""The cost of an outcome; the oracle is the argmin of it over measured outcomes."""

from dwcp.tasks.compression.contract import Context, CostModel, Outcome

__all__ = ["cost_s"]

_BITS_PER_MEGABIT = 1e6


def cost_s(context: Context, outcome: Outcome) -> float:
    """Seconds a block costs under the context's objective.

    Serial: ``stored / bandwidth + cpu_price * compress``. Pipelined: the slowest of the network, the
    compressing workers and the decompressing workers. Bytes: ``stored / bandwidth`` alone.
    """
    network_s = outcome.stored_bytes * 8 / (context.link.bandwidth_mbps * _BITS_PER_MEGABIT)
    compress_s = outcome.compress_ms / 1e3
    match context.objective.cost_model:
        case CostModel.SERIAL:
            return network_s + context.objective.cpu_price * compress_s
        case CostModel.PIPELINED:
            decompress_s = (outcome.decompress_ms or 0.0) / 1e3
            return max(
                network_s,
                compress_s / context.host.cpu_workers,
                decompress_s / context.host.receiver_workers,
            )
        case CostModel.BYTES:
            return network_s
