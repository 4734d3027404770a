"""A directory as it looks on a file system that takes no writes: commands run where it is mounted so."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import REPOSITORY

_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
_MOUNTED = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


def mse_tui(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """What `mse-tui --home HOME ARGUMENTS` answers there."""
    command = (sys.executable, "-m", "mse_tui", "--home", str(home), *arguments)
    mounted = (*_NAMESPACE, "sh", "-c", _MOUNTED, str(home), *command)
    return subprocess.run(mounted, check=False, capture_output=True, text=True, cwd=REPOSITORY, timeout=60)


def missing() -> str:
    """Why nothing can be mounted here; '' where it can."""
    try:
        tried = subprocess.run([*_NAMESPACE, "true"], check=False, capture_output=True)
    except FileNotFoundError:
        return "there is no unshare (of util-linux) here"
    return "" if tried.returncode == 0 else "this machine lets nobody mount in a namespace of their own"
