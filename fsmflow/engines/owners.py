"""Which process has a run, and whether there still is such a process."""

from __future__ import annotations

import os
import socket
import sys
from functools import cache
from pathlib import Path


def this_process() -> str:
    """Name this process: its machine, its number, and when it began, since numbers are used again."""
    return _named(os.getpid())


@cache
def _named(pid: int) -> str:
    # By its number, since a process that is forked has another one.
    return f"{_counted_in()}:{pid}:{_began(pid) or '?'}"


def is_alive(owner: str) -> bool:
    """Tell whether the process with this name may be there; of one on another machine nobody knows."""
    try:
        host, number, began = owner.rsplit(":", 2)
        pid = int(number)
    except ValueError:
        return False
    if host != _counted_in():
        return True
    if not Path("/proc/self").exists():
        return is_there(pid)
    return _began(pid) == began


def _counted_in() -> str:
    """Name where processes have their numbers: the machine, and the container, which may share its name."""
    try:
        namespace = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()}/{namespace.strip('pid:[]')}"


def _began(pid: int) -> str | None:
    """Give when a process began, in ticks since the machine did; None if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    # The name, in brackets, may hold anything; the 22nd field is the 20th after it (proc(5)).
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def is_there(pid: int) -> bool:
    """Tell whether there may be a process of this number."""
    if sys.platform == "win32":
        # The signal that only asks elsewhere is Ctrl-C there.
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
