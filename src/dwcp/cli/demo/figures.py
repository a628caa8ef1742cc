"""The demo's figures as JSON values."""

from dataclasses import asdict

from dwcp.cli.demo.hints import Asked
from dwcp.cli.demo.judging import Judged
from dwcp.cli.demo.learning import Learned
from dwcp.cli.demo.run import Demo
from dwcp.cli.demo.transfer import Run, Transferred

__all__ = ["figures"]


def figures(done: Demo) -> dict[str, object]:
    """Everything that the demo shows; seconds, shares and bytes, with intervals at 95 %."""
    measured = done.measured
    return {
        "files_found": len(done.survey.files),
        "files_skipped": done.survey.unreadable + measured.vanished,
        "measured": {
            "table": measured.table,
            "blocks": len(measured.blocks),
            "files": len({block.file for block in measured.blocks}),
            "plain_bytes": sum(block.facts.block_bytes for block in measured.blocks),
            "seconds": measured.spent_s,
            "reused": measured.reused,
        },
        "kept_aside": {
            "blocks": len(done.parts.unseen),
            "groups": len({case.group for case in done.parts.unseen}),
            "plain_bytes": sum(case.context.facts.block_bytes for case in done.parts.unseen),
        },
        "model": _model(done.learned),
        "points": [_point(judged) for judged in done.judged],
        "hints": {
            "asked": len(done.hints.asked),
            "reasons": done.hints.reasons(),
            "latency_p50_ms": done.hints.latency_ms(0.5),
            "latency_p99_ms": done.hints.latency_ms(0.99),
            "examples": [_hint(asked) for asked in (*done.hints.examples(), done.hints.switched_off)],
        },
        "transfers": _transfers(done.transferred),
    }


def _model(learned: Learned) -> dict[str, object]:
    if learned.artifact is None:
        return {"version": None, "why": learned.why}
    return {
        "version": learned.artifact.ref.version,
        "digest": learned.artifact.ref.digest,
        "promoted": learned.promoted,
        "why": learned.why,
        "gates": [gate.model_dump() for gate in learned.artifact.manifest.gates],
        "reused": learned.reused,
    }


def _point(judged: Judged) -> dict[str, object]:
    return {
        "bandwidth_mbps": judged.point.bandwidth_mbps,
        "cost_model": judged.point.cost_model.value,
        "best_fixed_codec": judged.fixed_codec,
        "seconds": judged.seconds,
        "above_oracle": {name: asdict(interval) for name, interval in judged.above_oracle.items()},
        "policies": judged.comparison.to_json()["policies"],
    }


def _hint(asked: Asked) -> dict[str, object]:
    hint = asked.hint
    return {
        "file": asked.file,
        "bandwidth_mbps": asked.link_mbps,
        "codec": hint.action.name,
        "reason": hint.reason.value,
        "detail": hint.detail,
        "confidence": hint.confidence,
        "predicted_s": hint.costs.get(hint.action),
        "measured_s": asked.cost_s,
        "oracle_codec": asked.oracle.name,
        "oracle_s": asked.oracle_cost_s,
    }


def _transfers(done: Transferred) -> dict[str, object]:
    return {
        "link": None if done.shape is None else asdict(done.shape),
        "why_loopback": done.why_loopback or None,
        "sent": asdict(done.laid),
        "copies": [_run(run) for run in done.copies],
        "edited": asdict(done.edited),
        "update": None if done.update is None else _run(done.update),
        "left_out": [asdict(way) for way in done.left_out],
        "problems": done.problems,
    }


def _run(run: Run) -> dict[str, object]:
    return asdict(run) | {"identical": not run.problem, "problem": run.problem or None}
