"""How the lab's processes are placed (namespace, user, mounts), and how one sees that they answer.

Command lines go in and come out: nothing is started here.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path

from host.instance import ROOT, SERVICE_ADDRESS, STATE, USER, Instance, interpreter_prefix
from host.shell import succeeds


def in_namespace(lab: Instance, *argv: str) -> tuple[str, ...]:
    """Run in the lab's network namespace; whoever runs it is who it is."""
    # Not `ip netns exec`, which mounts a new /sys and hides the cgroups.
    return ("setpriv", "--pdeathsig", "TERM", "--", "nsenter", f"--net=/run/netns/{lab.namespace}", *argv)


def as_user(*argv: str) -> tuple[str, ...]:
    """Run as the unprivileged user, without any capability or the means to get one."""
    # The signal of the parent's death: nothing outlives a supervisor that was killed.
    return (
        "setpriv",
        f"--reuid={USER}",
        f"--regid={USER}",
        "--init-groups",
        "--no-new-privs",
        "--bounding-set=-all",
        "--pdeathsig",
        "TERM",
        "--",
        *argv,
    )


OUR_PYTHON = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
"""What a process of `ours` needs in its environment."""


def ours(module: str, *argv: str) -> tuple[str, ...]:
    """Run a module of host/ as root, which it may give up by itself; its environment is OUR_PYTHON's."""
    return ("setpriv", "--pdeathsig", "TERM", "--", sys.executable, "-m", module, *argv)


def project(lab: Instance, *argv: str) -> tuple[str, ...]:
    """Run the project's Python as the unprivileged user.

    The clone and the interpreter may lie where that user can't look (/root, say), so the process gets a mount
    namespace of its own in which both are bound, read-only, under the lab's run directory. It ends with it. Other labs' disks
    are let go of there: unmounted by their own, they would stay in use here."""
    app, python = lab.rundir("app"), lab.rundir("python")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = app / ".venv" / "lib" / version / "site-packages"
    script = (
        f'for disk in "{STATE}"/*/engine; do [ "$disk" = "{lab.engine_root}" ] || umount -l "$disk" 2>/dev/null || true; done; '
        f'mount --bind -o ro "{ROOT}" "{app}" && mount --bind -o ro "{interpreter_prefix()}" "{python}" && cd "{app}" && '
        f'export PYTHONPATH="{app}:{packages}" LD_LIBRARY_PATH="{python}/lib" PYTHONDONTWRITEBYTECODE=1 && exec "$@"'
    )
    return ("unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh", *as_user(str(python / "bin" / version), *argv))


def accepts(path: Path) -> bool:
    """Whether somebody listens on a unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def answers(host: str, port: int) -> Callable[[], bool]:
    """Asks whether somebody listens at an address of the host's, which may be all of them."""
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)

    def probe() -> bool:
        try:
            socket.create_connection((target, port), timeout=0.5).close()
        except OSError:
            return False
        return True

    return probe


def listens(lab: Instance, port: int, *, address: str = SERVICE_ADDRESS) -> bool:
    """Whether somebody does, inside the namespace."""
    return succeeds(*in_namespace(lab, "bash", "-c", f"exec 3<>/dev/tcp/{address}/{port}"))
