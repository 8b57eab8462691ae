"""Running the host's programs: one way, with the error said once."""

from __future__ import annotations

import errno
import subprocess
import time
from collections.abc import Callable

from host.instance import HostError


def sh(*argv: str, check: bool = True, stdin: str | None = None, timeout: float | None = 1800) -> str:
    """Run a program and return its standard output; raises HostError with its last words."""
    done = subprocess.run(argv, capture_output=True, text=True, input=stdin, timeout=timeout)
    if check and done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise HostError(f"falló «{' '.join(argv)}» ({done.returncode}): {' / '.join(words[-3:]) or 'sin mensaje'}")
    return done.stdout


def succeeds(*argv: str) -> bool:
    return subprocess.run(argv, capture_output=True).returncode == 0


def wait_for(condition: Callable[[], bool], *, seconds: float, what: str, step: float = 0.05) -> None:
    """Wait until `condition` holds; raises HostError naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise HostError(f"{what} no respondió en {seconds:.0f} s.")
        time.sleep(step)


def reason(error: OSError) -> str:
    """Why the system refused, in Spanish where it is a thing that people meet."""
    return _REASONS.get(error.errno or 0, error.strerror or str(error))


_REASONS = {
    errno.ENOENT: "no existe",
    errno.EACCES: "no hay permiso",
    errno.EISDIR: "es una carpeta",
    errno.ENOTDIR: "parte de ese camino no es una carpeta",
    errno.ENOSPC: "no queda sitio en el disco",
    errno.EROFS: "ese disco es de solo lectura",
    errno.EADDRINUSE: "ya lo usa otro programa",
    errno.EADDRNOTAVAIL: "esa dirección no es de esta máquina",
}
