"""Every alert fires when it should and is silent otherwise, by Prometheus' own word."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from dwcp.operations import ALERTS, Severity, rules_file

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)"
)
DAY = 24 * 60
ONE = 'job="dwcp", instance="a", task="toy"'
ARM = f'{ONE}, arm="model"'


def series(name: str, labels: str, values: str) -> dict[str, str]:
    return {"series": f"{name}{{{labels}}}", "values": values}


def judged(arm: str, figure: str, values: str) -> dict[str, str]:
    return series("dwcp_ml_judged_daily", f'{ONE}, arm="{arm}", figure="{figure}"', values)


def accuracy(task: str, dropped: float, enough: int = 500) -> list[dict[str, str]]:
    """Nine days of 0.96 but for six hours after the eighth, a sample every 4 minutes."""
    usual, short, rest = 8 * DAY // 4, 6 * 60 // 4, 18 * 60 // 4
    values = f"0.96+0x{usual - 1} {dropped}+0x{short - 1} 0.96+0x{rest}"
    told = [
        series("dwcp_ml_accuracy_daily", ARM, values),
        judged("model", "accuracy", f"{enough}+0x{usual + short + rest}"),
    ]
    return [one | {"series": one["series"].replace('"toy"', f'"{task}"')} for one in told]


def hints(reason: str, choice: str, values: str) -> dict[str, str]:
    labels = f'{ONE}, choice="{choice}", reason="{reason}", version="1.0.0"'
    return series("dwcp_ml_predictions_total", labels, values)


def latency(bound: str, values: str) -> dict[str, str]:
    return series("dwcp_ml_prediction_latency_ms_bucket", f'{ONE}, le="{bound}"', values)


def case(minutes: int, *alerts: str, task: str = "toy") -> tuple[str, frozenset[tuple[str, str]]]:
    return f"{minutes}m", frozenset((name, task) for name in alerts)


GAIN = [judged("model", "throughput", "300+0x300"), judged("control", "throughput", "300+0x300")]
LONG = {"interval": "4m", "evaluation": "1h"}
SHORT = {"interval": "1m", "evaluation": "1m"}
DROPS = {("DwcpAccuracyDroppedMuch", "much"), ("DwcpAccuracyDropped", "some")}
CASES = [
    (
        LONG,
        [
            *(accuracy("much", 0.92) + accuracy("some", 0.94) + accuracy("hardly", 0.955)),
            *accuracy("few", 0.5, enough=20),
        ],
        [case(8 * DAY - 60), (f"{8 * DAY + 180}m", DROPS), case(8 * DAY + 8 * 60)],
    ),
    (
        SHORT,
        [
            hints("MODEL", "model", "0+90x40 3600+100x60"),
            hints("FALLBACK_ERROR", "fallback", "0+10x40 400+0x60"),
        ],
        [case(30, "DwcpErrorRate"), case(80)],
    ),
    (SHORT, [hints("FALLBACK_ERROR", "fallback", "0+1x60")], [case(30)]),
    (SHORT, [hints("ROLLOUT_CONTROL", "control", "0+100x60"), hints("MODEL", "model", "0+1x60")], [case(30)]),
    (
        SHORT,
        [latency("15.0", "0+98x60 5880+100x60"), latency("25.0", "0+100x120"), latency("+Inf", "0+100x120")],
        [case(50, "DwcpLatencyP99"), case(100)],
    ),
    (
        SHORT,
        [series("dwcp_ml_throughput_gain_pct", ONE, "5+0x120 12+0x120"), *GAIN],
        [case(100, "DwcpGainLow"), case(150)],
    ),
    (SHORT, [series("dwcp_ml_throughput_gain_pct", ONE, "5+0x120"), GAIN[0]], [case(100)]),
    (
        SHORT,
        [series("dwcp_ml_drift", f'{ONE}, kind="input", name="x"', "1.2+0x60 0.8+0x60")],
        [case(20), case(50, "DwcpDrift"), case(90)],
    ),
    (
        SHORT,
        [series("dwcp_ml_model_age_seconds", f'{ONE}, version="1.0.0"', "604000+60x90 60+60x60")],
        [case(80, "DwcpModelOld"), case(120)],
    ),
]


def written(tmp_path: Path) -> Path:
    file = tmp_path / "rules.yml"
    file.write_text(rules_file())
    return file


def promtool(*words: object) -> str:
    done = subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_promtool
def test_the_rules_are_rules(tmp_path: Path) -> None:
    assert f"{len(ALERTS)} rules found" in promtool("check", "rules", written(tmp_path))


@pytest.mark.slow
@needs_promtool
def test_every_alert_fires_and_clears(tmp_path: Path) -> None:
    fired = {name for *_, cases in CASES for _, alerts in cases for name, _ in alerts}
    assert fired == {rule.name for rule in ALERTS}
    rules, files = written(tmp_path), []
    for number, (times, told, cases) in enumerate(CASES):
        group = {
            "interval": times["interval"],
            "input_series": told,
            "promql_expr_test": [
                {
                    "expr": 'count by (alertname, task) (ALERTS{alertstate="firing"})',
                    "eval_time": at,
                    "exp_samples": [
                        {"labels": f'{{alertname="{name}", task="{task}"}}', "value": 1}
                        for name, task in sorted(alerts)
                    ],
                }
                for at, alerts in cases
            ],
        }
        content = {
            "rule_files": [rules.name],
            "evaluation_interval": times["evaluation"],
            "tests": [group],
        }
        files.append(tmp_path / f"case{number}.yml")
        files[-1].write_text(yaml.safe_dump(content))
    promtool("test", "rules", *files)


def test_severities_and_limits_are_the_published_ones() -> None:
    by_severity = {
        severity: [rule.name for rule in ALERTS if rule.severity is severity] for severity in Severity
    }
    assert by_severity == {
        Severity.CRITICAL: ["DwcpAccuracyDroppedMuch", "DwcpErrorRate"],
        Severity.WARNING: ["DwcpLatencyP99", "DwcpAccuracyDropped", "DwcpGainLow", "DwcpDrift"],
        Severity.INFO: ["DwcpModelOld"],
    }
    texts = {rule.name: rule for rule in ALERTS}
    assert "rolled back" in texts["DwcpAccuracyDroppedMuch"].action
    assert all(rule.summary and rule.description and rule.action for rule in ALERTS)
    quantiles = [rule.expr for rule in ALERTS if "histogram_quantile" in rule.expr]
    assert quantiles
    assert all(re.search(r"rate\(\w+_bucket\[", expr) for expr in quantiles)
