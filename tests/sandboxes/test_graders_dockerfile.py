"""What `dockerfile` says of each text, and how a Dockerfile is read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandboxes.graders import hadolint, recipe
from tests.sandboxes.judging import judge

GOOD = """# syntax=docker/dockerfile:1
ARG V=trixie
FROM debian:$V AS base
RUN apt-get update && \\
    # lo justo
    apt-get install -y curl
WORKDIR /app
COPY --chown=app requirements.txt .
RUN pip install -r requirements.txt # aquí sí es un comentario
COPY . .
USER app
CMD ["curl", "http://x/#a"]
"""


def seen(text: str, **rest: Any) -> dict[str, Any]:
    size = len(text.encode())
    file = {"kind": "file", "mode": 0o644, "uid": 1000, "owner": "alumno", "modified": 1, "size": size, "text": text}
    return {"file": file, **rest}


@pytest.mark.parametrize(
    ("spec", "text", "status", "said"),
    [
        ({"base": "debian:trixie", "usuario": "app", "sin_root": True, "cache": True, "contiene": ["workdir /app", "CMD"],
          "orden": ["COPY requirements.txt", "RUN pip install", "COPY ."], "sin": ["ADD"]}, GOOD, "passed", "9 instrucciones"),
        ({}, "FROM debian:12\nUSER admin   # Cambia al usuario\n", "failed", "no empieza un comentario"),
        ({}, "FROM debian:jessie # la base\n", "failed", "línea aparte"),
        ({}, "FROM a:1\nCMD ['echo', 'hola']\n", "failed", "comillas dobles"),
        ({}, "FROM a:1\nCMD echo hola # bien\n", "passed", ""),
        ({}, "FORM debian:12\n", "failed", "¿Querías decir FROM?"),
        ({}, "RUN ls\n", "failed", "empieza por FROM"),
        ({}, "", "failed", "ninguna instrucción"),
        ({}, "FROM a : 1 x\n", "failed", "sin espacios"),
        ({}, "FROM a:1\nWORKDIR\n", "failed", "no dice nada más"),
        ({}, "FROM a:1\nRUN apt-get install -y git\n", "failed", "apt-get update &&"),
        ({}, "FROM a:1\nRUN apt-get update && apt-get install git\n", "failed", "Añade -y"),
        ({}, "FROM a:1\nRUN apt-get -qy update && apt-get -qy install git\n", "passed", ""),
        ({"base": "debian:12"}, "FROM debian\n", "failed", "parte de «debian»"),
        ({"base": "b:1"}, "FROM a:1 AS x\nFROM b:1\nCOPY --from=x /a /\n", "passed", ""),
        ({"etapas": 2}, "FROM a:1\n", "failed", "COPY --from"),
        ({"etapas": 2}, "FROM a:1 AS fabrica\nFROM b:1\nCOPY --from=fabrca /a /\n", "failed", "¿Querías decir COPY --from=fabrica?"),
        ({"etapas": 2}, "FROM a:1 AS x\nFROM b:1\nCOPY --from=1 /a /\n", "failed", "«1» no es ninguna etapa anterior"),
        ({"etapas": 2}, "FROM a:1\nCOPY --from=fin /a /\nFROM b:1 AS fin\n", "failed", "en la línea 2, «fin»"),
        ({"etapas": 2}, "FROM a:1 AS X\nFROM b:1\nCOPY --from=x /a /\nCOPY --from=0 /b /\nCOPY --from=c:1 /c /\n", "passed", ""),
        ({}, "FROM a:1\nCOPY --from=mia /a /\n", "passed", ""),
        ({"contiene": ["RUN apt-get update"]}, "FROM a:1\nRUN <<FIN\nset -e\n  apt-get  update\napt-get install -y g\nFIN\n", "passed", ""),
        ({"contiene": ["RUN sort"]}, "FROM a:1\nRUN --mount=type=cache,target=/c <<'FIN'\nsort a > b\nFIN\n", "passed", ""),
        ({"contiene": ["RUN sort"]}, "FROM a:1\nRUN cat <<FIN > /b\nsort a > b\nFIN\n", "failed", "no hay ninguna instrucción «RUN sort»"),
        ({"sin": ["RUN curl"]}, "FROM a:1\nRUN <<FIN\ncurl x\nFIN\n", "failed", "sin «RUN curl»"),
        ({"contiene": ["EXPOSE 80"]}, "FROM a:1\nEXPOSE 8080\n", "failed", "De EXPOSE tienes: «EXPOSE 8080»"),
        ({"contiene": ["EXPOSE"]}, "FROM a:1\n", "failed", "añádela"),
        ({"sin": ["ADD"]}, "FROM a:1\nADD a b\n", "failed", "sin «ADD»"),
        ({"orden": ["RUN a", "COPY b"]}, "FROM a:1\nCOPY b .\nRUN a\n", "failed", "El orden que se pide"),
        ({"usuario": "app"}, "FROM a:1\nUSER root\n", "failed", "USER app"),
        ({"usuario": "app"}, "FROM a:1\nUSER app:app\n", "passed", ""),
        ({"sin_root": True}, "FROM a:1\nUSER app\nUSER 0:0\n", "failed", "acaba como root"),
        ({"cache": True}, "FROM a:1\nCOPY . .\nRUN pip install -r r.txt\n", "failed", "luego copia"),
        ({"cache": True}, "FROM a:1\nRUN apt-get update\nRUN apt-get install -y git\n", "failed", "en el mismo RUN"),
    ],
)  # fmt: skip
def test_dockerfile_says(spec: dict[str, Any], text: str, status: str, said: str) -> None:
    got, answer = judge("dockerfile", spec, seen(text))
    assert got == status, answer
    assert said in answer


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        ({"near": ["Dockerfile.txt"]}, "no lleva extensión"),
        ({"near": ["dockerfile"]}, "letra a letra"),
        ({"near": []}, "pwd"),
        ({"near": []}, "esa carpeta está vacía o no existe"),
        (seen("FROM a:1\nCOPY ./nada.txt .\n", missing=["nada.txt"]), "COPY, en la línea 2"),
        (seen("FROM a:1\n", findings=[{"line": 1, "code": "DL3007", "level": "warning", "message": "x"}]), "con versión. (DL3007)"),
    ],
)
def test_dockerfile_says_of_what_is_around_it(evidence: dict[str, Any], said: str) -> None:
    got, answer = judge("dockerfile", {"revisado": True}, evidence)
    assert got == "failed"
    assert said in answer


def test_findings_that_are_permitted_pass() -> None:
    evidence = seen("FROM a:1\n", findings=[{"line": 1, "code": "DL3008", "level": "warning", "message": "x"}])
    assert judge("dockerfile", {"revisado": True}, evidence)[0] == "passed"


def test_hadolint_finds_and_is_explained() -> None:
    found = hadolint.lint("FROM debian:latest\nRUN cd /tmp\n")
    assert {"DL3007", "DL3003"} <= {finding.code for finding in found}
    assert any("«latest» cambia sin avisar" in hadolint.explain(finding) for finding in found)


def test_heredocs_and_continuations_are_one_instruction() -> None:
    found = recipe.read("FROM a\nRUN <<EOF\nUSER x # no\nEOF\nCOPY <<-'A' /b\nRUN\nA\nENV A=1 \\\n\n  B=2\n")
    assert [(row.line, row.word) for row in found] == [(1, "FROM"), (2, "RUN"), (5, "COPY"), (8, "ENV")]
    assert found[-1].args == "A=1 B=2"
    assert recipe.sources(found[2]) == []


def test_what_copy_takes() -> None:
    found = recipe.read('FROM a\nCOPY --chown=x a ./b c/\nCOPY ["d e", "f"]\nADD https://x/y z\nCOPY --from=a /q /r\nCOPY *.py .\n')
    assert [recipe.sources(row) for row in found] == [[], ["a", "./b"], ["d e"], [], [], []]


@given(st.text())
def test_any_text_is_read_and_judged(text: str) -> None:
    assert judge("dockerfile", {"cache": True, "sin_root": True}, seen(text.replace("\r", "")))[0] in ("passed", "failed")
