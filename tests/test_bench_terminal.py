"""The table of gates says what holds, what does not, and what was reckoned."""

from __future__ import annotations

from bench.terminal import gates


def verdicts(**figures: dict[str, float]) -> dict[str, gates.Verdict]:
    return {verdict.gate.of: verdict for verdict in gates.judge({name.replace("_", "-"): values for name, values in figures.items()})}


def test_ttyd_of_the_same_run_is_what_counts() -> None:
    seen = verdicts(
        docker_intensivo={"echo 1 p50": 1.2, "bulk 1": 30.0}, ttyd={"echo 1 p50": 1.0, "bulk 1": 31.0}, terminado={"echo 1 p50": 9.0}
    )
    assert (seen["echo 1 p50"].holds, seen["echo 1 p50"].reckoned) == (True, False)
    assert not seen["bulk 1"].holds


def test_without_ttyd_terminado_stands_in_scaled_by_the_anchors() -> None:
    seen = verdicts(docker_intensivo={"echo 1 p50": 1.0}, terminado={"echo 1 p50": 1.72})
    assert seen["echo 1 p50"].reckoned
    assert round(seen["echo 1 p50"].ratio, 3) == round(1 / 1.04, 3)


def test_absolute_bounds_need_no_peer_and_what_was_not_measured_is_no_verdict() -> None:
    seen = verdicts(docker_intensivo={"interrupt": 700.0, "stalled": 1.0})
    assert {name: verdict.holds for name, verdict in seen.items()} == {"interrupt": False, "stalled": True}


def test_the_table_names_every_server_and_every_verdict() -> None:
    text = gates.table({"docker-intensivo": {"echo 1 p50": 2.0}, "terminado": {"echo 1 p50": 1.0, "otra": 250.0}})
    assert "| docker-intensivo | terminado |" in text
    assert "**no cumple**" in text
    assert "| otra | – | 250 |" in text
