"""A throw-away OpenLDAP server of many people in one group, with limits of one's choice."""

import base64
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mse_tui.sandbox.certificates import Authority

SCHEMA = Path(__file__).parent / "active_directory.schema"
SUFFIX = "DC=ad,DC=test,DC=example"
GROUP = f"CN=Crowd,{SUFFIX}"
USER = f"CN=reader,{SUFFIX}"
PASSWORD = "R3ader-of-the-tests"
_SLAPD = shutil.which("slapd", path="/usr/sbin:/usr/lib/openldap:/usr/libexec")

_CONFIGURATION = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include {schema}
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {directory}/slapd.pid
TLSCACertificateFile {directory}/ca.pem
TLSCertificateFile {directory}/server.pem
TLSCertificateKeyFile {directory}/server.key
security simple_bind=64
database mdb
suffix "{suffix}"
directory {directory}/db
maxsize 268435456
dbnosync
index objectClass,memberOf,objectGUID eq
limits * {limits}
access to * by users read by anonymous auth
"""


@dataclass(frozen=True, slots=True)
class Slapd:
    """A running server."""

    port: int
    ca_file: Path


def missing() -> str:
    """Why no server can be started here; '' where one can."""
    if _SLAPD is None or not Path("/etc/ldap/schema/core.schema").is_file():
        return "OpenLDAP's server is not installed (Debian: slapd)"
    return ""


@contextmanager
def slapd(people: int, limits: str) -> Iterator[Slapd]:
    """Serve a group of so many people over LDAPS; `limits` as in slapd.conf(5)."""
    directory = Path(tempfile.mkdtemp(prefix="slapd-"))
    try:
        (directory / "db").mkdir()
        _certify(directory)
        configuration = directory / "slapd.conf"
        configuration.write_text(
            _CONFIGURATION.format(directory=directory, schema=SCHEMA, suffix=SUFFIX, limits=limits)
        )
        (directory / "all.ldif").write_text("\n".join(_content(people)))
        loading = [str(_SLAPD), "-T", "add", "-q", "-f", str(configuration), "-l", str(directory / "all.ldif")]
        subprocess.run(loading, check=True, capture_output=True, timeout=100)
        port = _free_port()
        served = subprocess.Popen(
            [str(_SLAPD), "-d", "0", "-f", str(configuration), "-h", f"ldaps://127.0.0.1:{port}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(port)
            yield Slapd(port, directory / "ca.pem")
        finally:
            served.terminate()
            served.wait(20)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _content(people: int) -> Iterator[str]:
    yield f"dn: {SUFFIX}\nobjectClass: domain\ndc: ad\n"
    yield f"dn: {USER}\nobjectClass: person\ncn: reader\nsn: reader\nuserPassword: {PASSWORD}\n"
    yield (
        f"dn: {GROUP}\nobjectClass: group\ncn: Crowd\nsAMAccountName: Crowd\ngroupType: -2147483640\n"
        f"objectGUID:: {_guid('Crowd')}\n"
    )
    for number in range(people):
        name = f"u{number:05d}"
        yield (
            f"dn: CN={name},{SUFFIX}\nobjectClass: user\ncn: {name}\nsn: {name}\nsAMAccountName: {name}\n"
            f"mail: {name}@test.example\nuserAccountControl: 512\nobjectGUID:: {_guid(name)}\nmemberOf: {GROUP}\n"
        )


def _guid(name: str) -> str:
    return base64.b64encode(uuid.uuid5(uuid.NAMESPACE_DNS, name).bytes_le).decode()


def _certify(directory: Path) -> None:
    authority = Authority("Authority of the tests")
    certificate, key = authority.issue()
    for name, content in (("ca.pem", authority.pem), ("server.pem", certificate), ("server.key", key)):
        (directory / name).touch(mode=0o600)
        (directory / name).write_bytes(content)


def _free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


def _wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
            continue
        return
