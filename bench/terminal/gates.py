"""The gates: what the site may cost beside ttyd, and the table that says whether it does. Pure.

Where ttyd is not on the machine its figure is reckoned from terminado's of the same run, by the ratio between the two in
the anchors (measured side by side on a machine of the project's kind).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Gate:
    """`of`: the figure's name. A ratio to ttyd, or an absolute bound (`anchor` is None). `least`: the figure must reach it."""

    of: str
    title: str
    bound: float
    anchor: tuple[float, float] | None = None
    """ttyd's and terminado's, in the anchors."""
    least: bool = False
    unit: str = "ms"


GATES = (
    Gate("echo 1 p50", "Eco p50, una sesión", 1.25, (1.04, 1.72)),
    Gate("echo 200 p50", "Eco p50, 200 sesiones", 1.0, (1.09, 1.63)),
    Gate("echo 200 p99", "Eco p99, 200 sesiones", 1.0, (4.14, 15.3)),
    Gate("bulk 1", "Caudal, una sesión", 1.0, (35.3, 33.3), least=True, unit="MB/s"),
    Gate("bulk 10", "Caudal, diez sesiones", 1.2, (29.0, 27.4), least=True, unit="MB/s"),
    Gate("connect", "De abrir al prompt", 0.85, (71, 135)),
    Gate("cpu per key", "Procesador por tecla, 200 sesiones", 0.8, (825, 990), unit="µs"),
    Gate("memory", "Memoria por sesión", 0.05, (10.9, 10.9), unit="MB"),
    Gate("interrupt", "Ctrl-C en una avalancha", 500),
    Gate("stalled", "Un cliente parado", 8, unit="MB"),
)


@dataclass(frozen=True)
class Verdict:
    gate: Gate
    ours: float
    against: float | None
    """ttyd's figure, measured or reckoned; None for an absolute bound."""
    reckoned: bool = False

    @property
    def ratio(self) -> float:
        return self.ours if self.against is None else self.ours / self.against

    @property
    def holds(self) -> bool:
        return self.ratio >= self.gate.bound if self.gate.least else self.ratio <= self.gate.bound


def judge(figures: dict[str, dict[str, float]]) -> list[Verdict]:
    """One verdict for each gate that this run has figures for. `figures`: server → figure → value."""
    ours = figures["docker-intensivo"]
    verdicts = []
    for gate in GATES:
        if gate.of not in ours:
            continue
        if gate.anchor is None:
            verdicts.append(Verdict(gate, ours[gate.of], None))
        elif (measured := figures.get("ttyd", {}).get(gate.of)) is not None:
            verdicts.append(Verdict(gate, ours[gate.of], measured))
        elif (measured := figures.get("terminado", {}).get(gate.of)) is not None:
            verdicts.append(Verdict(gate, ours[gate.of], measured * gate.anchor[0] / gate.anchor[1], reckoned=True))
    return verdicts


def table(figures: dict[str, dict[str, float]]) -> str:
    """Markdown: every figure of every server, then the gates."""
    names = list(figures)
    rows = list(dict.fromkeys(figure for server in figures.values() for figure in server))
    lines = ["| Medida | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for row in rows:
        lines.append(f"| {row} | " + " | ".join(_number(figures[name].get(row)) for name in names) + " |")
    lines += ["", "| Puerta | Aquí | ttyd | Proporción | Objetivo | |", "|---|---|---|---|---|---|"]
    for verdict in judge(figures):
        gate = verdict.gate
        against = "–" if verdict.against is None else _number(verdict.against) + (" (calculado)" if verdict.reckoned else "")
        ratio = "–" if verdict.against is None else f"{verdict.ratio:.2f}"
        sign = "≥" if gate.least else "≤"
        mark = "cumple" if verdict.holds else "**no cumple**"
        lines.append(f"| {gate.title} ({gate.unit}) | {_number(verdict.ours)} | {against} | {ratio} | {sign} {gate.bound:g} | {mark} |")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"
