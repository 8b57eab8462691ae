"""How the intruder is taken into the web's container and what is made of its findings. What it finds: `make compose-doctor`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from host import intruder
from host.instance import HostError, Instance


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Instance:
    monkeypatch.setattr(intruder.images, "sandbox_reference", lambda: "sandbox:1")
    return Instance("prueba", composed=True)


def said(tmp_path: Path, *held: bool, code: int = 0) -> tuple[str, ...]:
    """What stands for a container: it takes the program, tries nothing and says this."""
    lines = [{"name": f"n{n}", "tried": "a", "expected": "b", "observed": "c", "held": each} for n, each in enumerate(held)]
    (tmp_path / "said").write_text("\n".join(map(json.dumps, lines)))
    return ("sh", "-c", f"wc -c >{tmp_path}/taken; cat {tmp_path}/said; echo no se pudo >&2; exit {code}", "sh")


def test_the_program_comes_whole(tmp_path: Path) -> None:
    archive = tmp_path / "intruso.zip"
    archive.write_bytes(intruder._packed())
    # Without what it is to try in: this machine is no place for it.
    look = "import importlib, intruder.__main__ as it; print(len(list(it.attempts({key: [] for key in it.Told.__annotations__}))))"
    done = subprocess.run([sys.executable, "-c", look], env={**os.environ, "PYTHONPATH": str(archive)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


def test_all_held_is_said_and_what_was_not_ends_with_an_error(lab: Instance, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert intruder.examine(lab, said(tmp_path, True, True), os.environ) == 0
    assert "2 intentos: todos se contienen." in capsys.readouterr().out
    assert int((tmp_path / "taken").read_text()) == len(intruder._packed())
    assert intruder.examine(lab, said(tmp_path, True, False), os.environ) == 1
    assert "NO se contienen n1." in capsys.readouterr().out


def test_a_container_that_cannot_be_looked_into_is_told(lab: Instance, tmp_path: Path) -> None:
    with pytest.raises(HostError, match="no se pudo mirar dentro de «web»: no se pudo"):
        intruder.examine(lab, said(tmp_path, code=1), os.environ)
