"""The package mirror: what exercises install with apt and pip, kept as files and served to sandboxes.

    python -m host.packages FOLDER ADDRESS PORT     serve FOLDER, as the `packages` service does

The apt repository comes from an image (sandboxes/images/packages); the wheels from PyPI by pip, by version and hash.
"""

from __future__ import annotations

import hashlib
import html
import platform
import re
import sys
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import IO

from host.instance import STATE
from host.shell import sh

PYTHON = "3.13"
"""The course's Python, whose wheels are fetched."""


def fetch_wheels(requirements: Path, simple: Path) -> None:
    """Download the locked wheels and index them under `simple`, as PEP 503 says."""
    draft = simple.parent / "wheels"
    machine = platform.machine()
    abi = "cp" + PYTHON.replace(".", "")
    sh(
        str(STATE / "tools" / "uv" / "bin" / "pip"),
        # The list is whole. What else each would want pip reckons for the Python that runs it, which is another.
        *("download", "-q", "--no-deps", "--dest", str(draft), "--require-hashes", "-r", str(requirements)),
        *("--only-binary", ":all:", "--python-version", PYTHON, "--implementation", "cp"),
        *("--abi", abi, "--abi", "abi3", "--abi", "none"),
        *("--platform", f"manylinux2014_{machine}", "--platform", f"manylinux_2_28_{machine}", "--platform", "any"),
    )
    for wheel in draft.iterdir():
        folder = simple / project_name(wheel.name)
        folder.mkdir(parents=True, exist_ok=True)
        wheel.rename(folder / wheel.name)
    draft.rmdir()
    write_indexes(simple)


def project_name(wheel: str) -> str:
    """The normalized name of a wheel's project (PEP 503)."""
    return re.sub(r"[-_.]+", "-", wheel.split("-", 1)[0]).lower()


def write_indexes(simple: Path) -> None:
    """An index.html for `simple` and for each project in it."""
    projects = sorted(path for path in simple.iterdir() if path.is_dir())
    _write_index(simple, {f"{project.name}/": project.name for project in projects})
    for project in projects:
        wheels = sorted(project.glob("*.whl"))
        _write_index(project, {f"{wheel.name}#sha256={hashlib.sha256(wheel.read_bytes()).hexdigest()}": wheel.name for wheel in wheels})


def _write_index(folder: Path, links: dict[str, str]) -> None:
    lines = (f'<a href="{html.escape(target)}">{html.escape(text)}</a><br>' for target, text in links.items())
    (folder / "index.html").write_text("\n".join(("<!doctype html><title>Paquetes</title>", *lines, "")))


class _Files(SimpleHTTPRequestHandler):
    """Files and their index.html; no listing of folders, and no client that keeps a thread by saying nothing."""

    timeout = 30

    def list_directory(self, path: object) -> None:
        self.send_error(HTTPStatus.NOT_FOUND)

    def version_string(self) -> str:
        return "paquetes"

    def copyfile(self, source: IO[bytes], outputfile: IO[bytes]) -> None:  # type: ignore[override]  # any readable, any writable
        try:
            super().copyfile(source, outputfile)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def server_bind(self) -> None:
        # HTTPServer's asks DNS for the address's name, which nobody answers in the namespace: ten seconds.
        TCPServer.server_bind(self)


def serve(folder: Path, address: str, port: int) -> None:
    with _Server((address, port), partial(_Files, directory=str(folder))) as server:
        server.serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
