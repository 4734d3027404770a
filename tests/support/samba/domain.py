"""Domain controllers for tests: provisioned once, kept as templates, copied and started in half a second."""

import fcntl
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import platformdirs

from mse_tui.sandbox.certificates import Authority

HERE = Path(__file__).parent
SYSTEM_PYTHON = "/usr/bin/python3"
HOST = "dc1.ad.test.example"
BASE = "DC=ad,DC=test,DC=example"
SERVICE_USER = "svc-mse@ad.test.example"
SERVICE_PASSWORD = "S3rvice-of-the-tests"
PERSON_PASSWORD = "P3rson-of-the-tests"
CROWD = 3000
_UNUSED_SECONDS = 30 * 24 * 3600
"""Templates of older scripts are let go of after so long."""

_STEPS = {"plain": ("company",), "exchange": ("company", "exchange"), "crowd": ("company", "exchange", "crowd")}
"""What each template is filled with."""


def missing() -> str:
    """Why no domain controller can be started here; '' where one can."""
    if shutil.which("samba", path=_path()) is None:
        return "Samba's domain controller is not installed (Debian: samba-ad-dc, samba-ad-provision)"
    if not Path("/usr/share/samba/setup").is_dir():
        return "Samba's provisioning files are not installed (Debian: samba-ad-provision)"
    if subprocess.run([SYSTEM_PYTHON, "-c", "import samba"], capture_output=True, check=False).returncode:
        return f"{SYSTEM_PYTHON} does not have Samba's bindings (Debian: python3-samba)"
    if subprocess.run(["unshare", "--user", "--map-root-user", "--net", "true"], check=False).returncode:
        return "this machine does not let a user make a network namespace"
    return ""


def template(name: str) -> Path:
    """The directory of a filled domain controller that has never run; made at the first use, kept for the user.

    A change of the scripts makes a new one. Concurrent test processes wait for the one that makes it.
    """
    sources = [HERE / "provision.py", HERE / "populate.py"]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    cache = Path(platformdirs.user_cache_dir("mse-tui-tests"))
    kept = cache / f"samba-{digest}"
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (kept / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for other in cache.glob("samba-*"):
            if other != kept and time.time() - other.stat().st_mtime > _UNUSED_SECONDS:
                shutil.rmtree(other, ignore_errors=True)
        return _made(kept, name)


def _made(kept: Path, name: str) -> Path:
    finished = kept / name
    if finished.is_dir():
        return finished
    steps = _STEPS[name]
    making = kept / f"{name}.making"
    shutil.rmtree(making, ignore_errors=True)
    below = next((other for other, done in _STEPS.items() if done == steps[:-1]), None)
    if below is None:
        _run("provision.py", str(making))
    else:
        _copy(_made(kept, below), making)
    _run("populate.py", str(making), steps[-1], str(CROWD))
    making.rename(finished)
    _settle(finished, making)
    return finished


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target)
    _settle(target, source)


def _settle(directory: Path, before: Path) -> None:
    """Let a moved directory's configuration name itself; no other file holds the path."""
    configuration = directory / "etc" / "smb.conf"
    configuration.write_text(configuration.read_text().replace(f"{before}/", f"{directory}/"))


def _run(script: str, *arguments: str, said: str = "") -> str:
    done = subprocess.run(
        [SYSTEM_PYTHON, str(HERE / script), *arguments],
        input=said,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    if done.returncode:
        raise RuntimeError(f"{script} {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def _path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


class Domain:
    """A copy of a template, which may be started, stopped, changed and certified at will."""

    def __init__(self, directory: Path, authority: Authority) -> None:
        self.directory = directory
        self.authority = authority
        self.ldap_port, self.ldaps_port, self.kerberos_port = _free_ports(3)
        self._process: subprocess.Popen[str] | None = None
        self.certify(*authority.issue(hosts=(HOST, "localhost", "127.0.0.1")))

    @property
    def ca_file(self) -> Path:
        """The certificate of the authority that its own was issued by."""
        return self.directory / "tls" / "ca.pem"

    def certify(self, certificate: bytes, key: bytes) -> None:
        """Give it another certificate, for its next start."""
        tls = self.directory / "tls"
        (tls / "ca.pem").write_bytes(self.authority.pem)
        (tls / "server.pem").write_bytes(certificate)
        (tls / "server.key").touch(mode=0o600)
        (tls / "server.key").write_bytes(key)

    def start(self) -> Self:
        """Serve; returns when it answers."""
        ports = [str(port) for port in (self.ldap_port, self.ldaps_port, self.kerberos_port)]
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "serve.py"), str(self.directory), *ports],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PATH": _path()},
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "READY":
            output = (self.directory / "log" / "output").read_text()
            self.stop()
            raise RuntimeError(f"the domain controller did not start:\n{output}")
        return self

    def stop(self) -> None:
        """End it, connections and all."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.terminate()
        process.communicate(timeout=20)

    def change(self, operation: str, name: str, *more: str) -> None:
        """Change its content, running or not: replace, add or remove a value, rename, delete (see change.py)."""
        _run("change.py", str(self.directory), said=json.dumps([operation, name, *more]))

    def groups(self) -> dict[str, list[str]]:
        """All its groups: objectGUID -> every text that names the group, read past LDAP."""
        return dict(json.loads(_run("groups.py", str(self.directory))))

    def hide(self, name: str) -> None:
        """Let only administrators see an object."""
        self.change("replace", name, "nTSecurityDescriptor", "O:DAG:DAD:P(A;;GA;;;DA)(A;;GA;;;SY)")


@contextmanager
def domain(name: str, *, start: bool = True) -> Iterator[Domain]:
    """A domain controller of one's own, from a template; gone at the end."""
    # Unix sockets have short names only: not below pytest's own directory.
    directory = Path(tempfile.mkdtemp(prefix="ad-"))
    shutil.rmtree(directory)
    _copy(template(name), directory)
    served = Domain(directory, Authority("Authority of the tests"))
    try:
        yield served.start() if start else served
    finally:
        served.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _free_ports(number: int) -> list[int]:
    opened = [socket.socket() for _ in range(number)]
    try:
        for one in opened:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in opened]
    finally:
        for one in opened:
            one.close()
