"""Each of the engine's messages has its explanation."""

from __future__ import annotations

import pytest

from sandboxes.graders.container_errors import explain

RUNC = 'failed to create task for container: … exec: "x": '


@pytest.mark.parametrize(
    ("said", "command", "code", "expected"),
    [
        ("Bind for 0.0.0.0:8080 failed: port is already allocated", ["sh"], 128, "otro puerto"),
        (RUNC + "executable file not found in $PATH", ["bash"], 127, "«sh»"),
        (RUNC + "executable file not found in $PATH", ["echo hola"], 127, "entrecomilla"),
        ("exec /e.sh: no such file or directory", ["/e.sh"], 1, "Windows"),
        ("exec /e.sh: exec format error", ["/e.sh"], 255, "#!/bin/sh"),
        (RUNC + "permission denied", ["/e.sh"], 126, "chmod +x"),
        ("unable to find user admin   # Cambia: no matching entries in passwd file", ["sh"], 126, "línea aparte"),
        ("unable to find user ana: no matching entries in passwd file", ["sh"], 126, "useradd"),
        ("/bin/sh: 1: [echo,: not found", ["/bin/sh", "-c", "['echo', 'hola']"], 127, "comillas dobles"),
        ("Cannot link to a non running container: /hw AS /a/hw", ["sh"], 128, "arráncalo antes"),
        ("error mounting: not a directory", ["sh"], 127, "un fichero sobre una carpeta"),
        ("", ["sleep"], 137, "OOMKilled"),
        ("vaya", ["sh"], 1, ""),
    ],
)
def test_message_is_explained(said: str, command: list[str], code: int, expected: str) -> None:
    found = explain(said, command, code)
    assert expected in found
    assert bool(found) == bool(expected)
