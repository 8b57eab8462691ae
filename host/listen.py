"""Opens a port inside a lab's network namespace and becomes, outside of it, the program that answers there.

    python -m host.listen NAMESPACE ADDRESS PORT -- CMD …

CMD finds the listening socket as descriptor 3. So what sandboxes reach may itself use the database, wherever that is.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import NoReturn

DESCRIPTOR = 3


def listen(namespace: str, address: str, port: int) -> socket.socket:
    """A socket of the namespace; the process stays in its own."""
    ours = os.open("/proc/self/ns/net", os.O_RDONLY)
    theirs = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        os.setns(theirs, os.CLONE_NEWNET)
        try:
            return socket.create_server((address, port), backlog=64)
        finally:
            os.setns(ours, os.CLONE_NEWNET)
    finally:
        os.close(ours)
        os.close(theirs)


def main(argv: list[str]) -> NoReturn:
    namespace, address, port, _dashes, *command = argv
    listener = listen(namespace, address, int(port))
    if listener.fileno() == DESCRIPTOR:
        os.set_inheritable(DESCRIPTOR, True)
    else:
        os.dup2(listener.fileno(), DESCRIPTOR, inheritable=True)
    os.execvp(command[0], command)  # noqa: S606  # that is its purpose


if __name__ == "__main__":
    main(sys.argv[1:])
