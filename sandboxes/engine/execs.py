"""Commands in a machine by the lab engine's exec: run to their end, or made ready for a two-way stream (stream.py)."""

from __future__ import annotations

import time

import docker

from sandboxes.engine import EngineError, EngineUnreachable, ExecResult
from sandboxes.engine.errors import translated
from sandboxes.engine.stream import open_stream

OUTPUT_LIMIT = 4 << 20


def run(api: docker.APIClient, url: str, name: str, argv: list[str], *, user: str, seconds: float) -> ExecResult:
    """Run a command to its end. Past `seconds`, or 4 MiB of output, raises EngineError."""
    deadline = time.monotonic() + seconds
    with translated():
        made = api.exec_create(name, argv, user=user, stdin=False)
    stream = open_stream(url, made["Id"], seconds=seconds)
    output = bytearray()
    try:
        while True:
            stream.settimeout(max(0.01, deadline - time.monotonic()))
            chunk = stream.recv(65536)
            if not chunk:
                break
            output += chunk
            if len(output) > OUTPUT_LIMIT:
                raise EngineError(f"{argv[0]} said more than {OUTPUT_LIMIT} bytes")
    except TimeoutError as error:
        raise EngineError(f"{argv[0]} did not end in {seconds:.0f} s") from error
    except OSError as error:
        raise EngineUnreachable(str(error)) from error
    finally:
        stream.close()
    with translated():
        code = api.exec_inspect(made["Id"])["ExitCode"]
    return ExecResult(code=-1 if code is None else code, output=_both(bytes(output)))


def two_way(api: docker.APIClient, name: str, argv: list[str]) -> str:
    """The id of an exec whose standard input and output are to be a stream."""
    with translated():
        return str(api.exec_create(name, argv, user="root", stdin=True, stderr=False)["Id"])


def _both(frames: bytes) -> bytes:
    """Standard output and error of a framed stream, in the order they came."""
    out, at = [], 0
    while at + 8 <= len(frames):
        length = int.from_bytes(frames[at + 4 : at + 8], "big")
        out.append(frames[at + 8 : at + 8 + length])
        at += 8 + length
    return b"".join(out)
