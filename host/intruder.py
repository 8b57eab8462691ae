"""What an intruder in the web's container could reach: tried from inside (deploy/intruder/), said as a table here.

`make compose-doctor`. For the isolation of sandboxes there is `manage.py lab_doctor`.
"""

from __future__ import annotations

import io
import ipaddress
import json
import socket
import subprocess
import zipfile
from collections.abc import Iterable, Iterator, Mapping

from host import compose_files, environment, images
from host.instance import ROOT, SERVICE_ADDRESS, HostError, Instance
from host.shell import sh

PROGRAM = ROOT / "deploy" / "intruder"
LAUNCHER = """
import pathlib, runpy, sys
archive = pathlib.Path("/tmp/intruso.zip")
archive.write_bytes(sys.stdin.buffer.read())
sys.path[:0] = [str(archive)]
try:
    runpy.run_module("intruder", run_name="__main__")
finally:
    archive.unlink()
"""
"""Run there, given the program by its standard input: nothing but memory can be written to."""


def examine(lab: Instance, inside: tuple[str, ...], env: Mapping[str, str]) -> int:
    """Try it all and print it; 1 if anything was not held off. `inside` runs a command in the web's container.

    A port that listens on every address of the machine's is opened meanwhile: that nobody answers would prove nothing."""
    with socket.create_server(("", 0)) as listener:
        told = json.dumps({**_places(lab), "port": listener.getsockname()[1]})
        done = subprocess.run((*inside, "python", "-c", LAUNCHER, told), input=_packed(), capture_output=True, env=dict(env))
    findings = [json.loads(line) for line in done.stdout.decode().splitlines() if line.startswith("{")]
    print("\n".join(report(findings)))
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["sin mensaje"]
        raise HostError(f"no se pudo mirar dentro de «web»: {words[0]}")
    broken = [finding["name"] for finding in findings if not finding["held"]]
    print(f"\n{len(findings)} intentos: {'todos se contienen' if not broken else 'NO se contienen ' + ', '.join(broken)}.")
    return 1 if broken else 0


def report(findings: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """The table, as `manage.py lab_doctor` writes its own."""
    for finding in findings:
        yield f"{'✓' if finding['held'] else '✗'} {finding['name']}: {finding['tried']}"
        yield f"    esperado:  {finding['expected']}"
        yield f"    observado: {finding['observed']}"


def _packed() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(PROGRAM.glob("*.py")):
            packed.write(path, f"intruder/{path.name}")
    return archive.getvalue()


def _places(lab: Instance) -> dict[str, object]:
    """What is where on this machine: the intruder is not asked to find it out."""
    addresses = [line.split()[3].partition("/")[0] for line in sh("ip", "-4", "-o", "addr", "show", "scope", "global").splitlines()]
    routes = [line.split() for line in sh("ip", "-4", "route", "show", "default").splitlines()]
    sandboxes = ipaddress.ip_network(lab.sandboxes_net)
    return {
        "sandbox": images.sandbox_reference(),
        "host": lab.host_address,
        "addresses": addresses,
        "gateways": [words[words.index("via") + 1] for words in routes if "via" in words],
        "site": int(environment.read(compose_files.dot_env(lab)).get("LAB_BIND", ":8443").rpartition(":")[2]),
        "namespace": [SERVICE_ADDRESS, lab.engine_address, *(str(sandboxes[1 + 16 * number]) for number in range(8))],
        "containers": [f"{lab.compose_net}.132.{number}" for number in range(2, 8)],
    }
