"""Kernels for nbval that are forked from one process, as a close's are: `python forked_kernel.py FILE`.

nbval starts a kernel for each notebook by the command of a kernelspec. This one, which imports nothing to speak
of, asks the server of `serving` to fork the kernel, and lives as long as that does.
"""

from __future__ import annotations

import json
import os
import socket
import sys

SOCKET = "CHARGEBACK_NBVAL_KERNELS"


def main() -> None:
    """Have a kernel forked that works in this folder, and wait for its end."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.connect(os.environ[SOCKET])
    line.sendall(json.dumps({"start": sys.argv[1], "folder": os.getcwd()}).encode())
    while line.recv(4096):
        pass


if __name__ == "__main__":
    main()
