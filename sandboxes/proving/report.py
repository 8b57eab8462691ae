"""What is said of the proofs: a line as each ends, a bar where there is a terminal, a table at the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TextIO

from sandboxes.proving.trial import Proof

WIDTH = 30
SLOWEST = 10


class Report:
    """Writes as the proofs come. `total` is how many there will be."""

    def __init__(self, out: TextIO, *, total: int) -> None:
        self._out, self._total, self._done = out, total, 0
        self._bar = out.isatty()

    def tell(self, proof: Proof) -> None:
        self._done += 1
        self._clear()
        mark = "✗" if proof.fault else "○" if proof.gap else "✓"
        self._out.write(f"{mark} {proof.exercise}: {proof.case}  ({proof.seconds:.1f} s)\n")
        if proof.fault:
            self._out.write("".join(f"    {line}\n" for line in proof.fault.splitlines()))
        elif proof.gap:
            self._out.write(f"    ninguna comprobación lo nota: falta una, o la línea es «{'# prescindible'}»\n")
        if self._bar:
            filled = WIDTH * self._done // max(1, self._total)
            self._out.write(f"[{'█' * filled}{'·' * (WIDTH - filled)}] {self._done}/{self._total}")
        self._out.flush()

    def _clear(self) -> None:
        if self._bar:
            self._out.write("\r\x1b[K")

    def table(self, proofs: Sequence[Proof], *, seconds: float) -> None:
        """Each exercise's cases and time, the slowest first; then what was found."""
        self._clear()
        by_exercise: dict[str, list[Proof]] = defaultdict(list)
        for proof in proofs:
            by_exercise[proof.exercise].append(proof)
        rows = sorted(by_exercise.items(), key=lambda row: -sum(proof.seconds for proof in row[1]))
        width = max([len(key) for key in by_exercise] + [9])
        self._out.write(f"\n{'Ejercicio':<{width}}  Casos  Fallos  Huecos  Segundos\n")
        for key, found in rows:
            faults, gaps = sum(bool(proof.fault) for proof in found), sum(proof.gap for proof in found)
            self._out.write(f"{key:<{width}}  {len(found):>5}  {faults:>6}  {gaps:>6}  {sum(p.seconds for p in found):>8.1f}\n")
        slowest = ", ".join(key.rsplit("/", 1)[-1] for key, _ in rows[:SLOWEST])
        self._out.write(f"\n{len(proofs)} casos en {seconds:.0f} s. Los más lentos: {slowest}.\n")
