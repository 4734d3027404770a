"""Which process holds a lease, and whether it is still alive."""

import os
import socket
import zlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """One process on one host. A process id alone could have been given to another process since."""

    host: str
    """The host's name; with the process id namespace, where a container has its own."""
    pid: int
    started: int
    """Changes when the pid is used again; 0 where the platform can't tell."""

    def is_known_dead(self) -> bool:
        """True only when this host can tell; a process on another host may be alive."""
        if self.host != _host():
            return False
        if not _exists(self.pid):
            return True
        now = _started(self.pid)
        return 0 not in (self.started, now) and now != self.started

    def is_known_alive(self) -> bool:
        """True only when this host can tell; a process on another host may have ended."""
        return self.host == _host() and not self.is_known_dead()


def this_process() -> Process:
    """The process that asks."""
    pid = os.getpid()
    return Process(_host(), pid, _started(pid))


def _host() -> str:
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()}/{namespace}"


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _started(pid: int) -> int:
    """The process's start in clock ticks since boot, marked with the boot; a zombie counts as not started."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    except OSError:
        return 0
    if fields[0] in ("Z", "X"):
        return -1
    return int(fields[19]) ^ (zlib.crc32(boot) << 30)
