"""The gate: an authorisation plugin of the lab engine, asked before every request, root's included.

    python -m host.gate SOCKET LAB STORAGE IMAGE [IMAGE …]        STORAGE is host/storage.py's kind

Speaks Docker's authorisation plugin protocol over a unix socket; `host.gate_policy` decides. The engine
fails closed: with the gate down it answers nothing.
"""

from __future__ import annotations

import base64
import grp
import json
import os
import pwd
import socketserver
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from host.gate_policy import Template, refuse
from host.instance import USER


class Gate(BaseHTTPRequestHandler):
    """Answers /Plugin.Activate, /AuthZPlugin.AuthZReq and /AuthZPlugin.AuthZRes."""

    protocol_version = "HTTP/1.1"
    template: Template

    def do_POST(self) -> None:
        try:
            asked = self._read()
        except ValueError as error:  # refused, so that the engine does not ask again and again
            self._answer({"Allow": False, "Msg": f"unreadable: {error}"})
            return
        if self.path == "/Plugin.Activate":
            self._answer({"Implements": ["authz"]})
        elif self.path == "/AuthZPlugin.AuthZReq":
            reason = refuse(asked["RequestMethod"], asked["RequestUri"], base64.b64decode(asked.get("RequestBody") or ""), self.template)
            if reason:
                print(f"refused: {asked['RequestMethod']} {asked['RequestUri']}: {reason}", flush=True)
            self._answer({"Allow": reason is None, "Msg": reason or ""})
        elif self.path == "/AuthZPlugin.AuthZRes":
            self._answer({"Allow": True})
        else:
            self._answer({"Err": f"unknown call {self.path}"})

    def _read(self) -> dict[str, Any]:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            raw = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                raw += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked: dict[str, Any] = json.loads(raw) if raw.strip() else {}
        return asked

    def _answer(self, said: dict[str, Any]) -> None:
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.docker.plugins.v1.2+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent: refusals are logged above, the rest is noise."""

    def address_string(self) -> str:
        return "engine"


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


def main(socket_path: str, lab: str, storage: str, images: list[str]) -> None:
    path = Path(socket_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    handler = type("LabGate", (Gate,), {"template": Template(lab=lab, images=frozenset(images), volumes=storage == "ext4")})
    with _Server(socket_path, handler) as server:
        _drop_privileges()
        server.serve_forever()


def _drop_privileges() -> None:
    """The socket needed root; answering does not."""
    os.setgroups([])
    gid, uid = grp.getgrnam(USER).gr_gid, pwd.getpwnam(USER).pw_uid
    os.setgid(gid)
    os.setuid(uid)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
