"""The practice cloud for tests: a served tenant, settings for it, directories on it, all put back between tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from mse_tui.config.directories import Microsoft365Settings
from mse_tui.directory.microsoft365 import Microsoft365Directory
from mse_tui.sandbox.cloud.tenant import Tenant
from mse_tui.sandbox.cloud.tokens import EXCHANGE_ROLES, GRAPH_ROLES
from mse_tui.sandbox.server import SandboxServer
from tests.exchange.canned import Halts

SECRET_VARIABLE = "MSE_TUI_TEST_MICROSOFT365_SECRET"
DOMAIN = "nordlicht.example"


class CloudRig:
    """One served practice organisation with its cloud."""

    def __init__(self, server: SandboxServer, environment: pytest.MonkeyPatch) -> None:
        self.server = server
        self.cloud = server.cloud
        self.halts = Halts()
        self._tenant = server.cloud.tenant
        self._environment = environment

    def reset(self) -> None:
        """As it was when it started, with a secret that is right."""
        self.server.faults.clear()
        self.server.statistics.reset()
        self.halts = Halts()
        self.cloud.tenant = self._tenant
        self.cloud.tokens.lifetime = 3600
        self.cloud.application.roles = {*GRAPH_ROLES, *EXCHANGE_ROLES}
        self.cloud.application.enabled = True
        self.cloud.application.certificates = []
        self.cloud.admin_api.page_size = 1000
        self._environment.setenv(SECRET_VARIABLE, self.cloud.application.secret)

    def settings(self, **changes) -> Microsoft365Settings:
        """Settings that are right, but for the changes."""
        origin = self.server.origin
        given = {
            "tenant": self.cloud.tenant_id,
            "client_id": self.cloud.application.client_id,
            "secret_env": SECRET_VARIABLE,
            "authority": origin,
            "graph": origin,
            "exchange_online": origin,
            "ca_file": self.server.ca_file,
            "retry_seconds": 5,
        }
        return Microsoft365Settings.model_validate({**given, **changes})

    @contextmanager
    def directory(self, **changes) -> Iterator[Microsoft365Directory]:
        """A directory on it, closed at the end."""
        opened = Microsoft365Directory(self.settings(**changes), self.halts)
        try:
            yield opened
        finally:
            opened.close()

    def use(self, tenant: Tenant) -> None:
        """Have the cloud hold this directory instead of the company's."""
        self.cloud.tenant = lambda: tenant

    def asked(self, operation: str) -> int:
        """How many requests of a kind were answered."""
        return self.server.statistics.requests(operation)


@contextmanager
def served(directory: Path) -> Iterator[CloudRig]:
    """Serve the practice cloud over HTTPS; its secret leaves the environment with it."""
    with (
        SandboxServer(directory, people=6, messages=0, tls=True) as server,
        pytest.MonkeyPatch.context() as environment,
    ):
        yield CloudRig(server, environment)


def client_certificate(expired: bool = False, days: int = 365) -> tuple[bytes, bytes]:
    """A self-signed certificate as one uploads to an app registration, and its RSA key, both PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mse-tui")])
    until = datetime.now(UTC) + timedelta(days=-1 if expired else days)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - timedelta(days=730))
        .not_valid_after(until)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


def address(user: str) -> str:
    """Somebody's address in the practice organisation."""
    return f"{user}@{DOMAIN}"
