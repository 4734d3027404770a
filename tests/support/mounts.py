"""A site's directory on a file system that takes no writes, or is full: commands run where it is mounted so."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import REPOSITORY

_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
_READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
_FULL = (
    'mount -t tmpfs -o size=4m,mode=700 none "$0/full" && cp -p "$0/mse-tui.db" "$0/config.toml" "$0/full"'
    ' && { dd if=/dev/zero of="$0/full/filled" bs=4k status=none 2>/dev/null; exec "$@"; }'
)
Ran = subprocess.CompletedProcess[str]


def on_read_only(home: Path, *arguments: str) -> Ran:
    """What `mse-tui --home HOME ARGUMENTS` answers where the home takes no writes."""
    return _mounted(_READ_ONLY, home, home, arguments)


def on_full(home: Path, *arguments: str) -> Ran:
    """What it answers on a copy of the home, with which the file system is full."""
    (home / "full").mkdir(exist_ok=True)
    return _mounted(_FULL, home, home / "full", arguments)


def _mounted(mount: str, home: Path, at: Path, arguments: tuple[str, ...]) -> Ran:
    command = (
        *_NAMESPACE,
        "sh",
        "-c",
        mount,
        str(home),
        sys.executable,
        "-m",
        "mse_tui",
        "--home",
        str(at),
        *arguments,
    )
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=REPOSITORY, timeout=60)


def missing() -> str:
    """Why nothing can be mounted here; '' where it can."""
    try:
        tried = subprocess.run([*_NAMESPACE, "true"], check=False, capture_output=True)
    except FileNotFoundError:
        return "there is no unshare (of util-linux) here"
    return "" if tried.returncode == 0 else "this machine lets nobody mount in a namespace of their own"
