"""The servers that are compared: the site, and the peers found on this machine, each before `docker exec -it`.

A peer is found by its program on PATH (ttyd, websocketd, wetty) or, for terminado, by BENCH_TERMINADO: a Python that has
it. All enter the same machines, one at random for each session.
"""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.terminal.clients import Client, Terminado, Ttyd, Websocketd, Wetty

_TERMINADO = """
import sys, tornado.ioloop, tornado.web
from terminado import TermSocket, UniqueTermManager
manager = UniqueTermManager(shell_command=[sys.argv[2]])
tornado.web.Application([(r"/ws", TermSocket, {"term_manager": manager})]).listen(int(sys.argv[1]), "127.0.0.1")
tornado.ioloop.IOLoop.current().start()
"""


@dataclass
class Peer:
    """A running peer. `pid` is the root of its process tree."""

    name: str
    client: type[Client]
    url: str
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def pid(self) -> int:
        return self.process.pid

    def session(self) -> Client:
        return self.client(self.url, origin=self.url.replace("ws", "http", 1).split("/", 3)[0] + "//" + self.url.split("/")[2])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def write_entry(folder: Path, machines: Sequence[str], engine_url: str) -> Path:
    """The program that every peer runs for a session."""
    (folder / "machines").write_text("".join(f"{name}\n" for name in machines))
    entry = folder / "enter"
    docker = f"docker -H {shlex.quote(engine_url)} exec -it -u alumno -w /home/alumno -e TERM=xterm-256color"
    entry.write_text(f'#!/bin/sh\nexec {docker} "$(shuf -n1 {folder}/machines)" bash -l\n')
    entry.chmod(0o755)
    return entry


def start_peers(entry: Path, only: Sequence[str]) -> list[Peer]:
    found = []
    for name, (client, path, argv) in _commands(entry).items():
        if only and name not in only:
            continue
        port = _free_port()
        words = [word.replace("PORT", str(port)) for word in argv]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        _wait_for(port, process, name)
        found.append(Peer(name, client, f"ws://127.0.0.1:{port}{path}", process))
    return found


def _commands(entry: Path) -> dict[str, tuple[type[Client], str, list[str]]]:
    commands: dict[str, tuple[type[Client], str, list[str]]] = {}
    if program := shutil.which("ttyd"):
        commands["ttyd"] = (Ttyd, "/ws", [program, "-p", "PORT", "-i", "lo", "-W", str(entry)])
    if python := os.environ.get("BENCH_TERMINADO"):
        commands["terminado"] = (Terminado, "/ws", [python, "-c", _TERMINADO, "PORT", str(entry)])
    if program := shutil.which("wetty"):
        argv = [program, "--port", "PORT", "--host", "127.0.0.1", "--base", "/wetty", "--command", str(entry)]
        commands["wetty"] = (Wetty, "/wetty/socket.io/?EIO=4&transport=websocket", argv)
    if program := shutil.which("websocketd"):
        # It has no terminal of its own: `script` lends it one.
        argv = [program, "--port=PORT", "--address=127.0.0.1", "--binary=true", "script", "-qfec", str(entry), "/dev/null"]
        commands["websocketd"] = (Websocketd, "/", argv)
    return commands


def _free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], name: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"{name} ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"{name} did not listen")
