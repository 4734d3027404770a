"""One connection to a directory server: encrypted, verified, signed in."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import ldap3
from ldap3.core.exceptions import LDAPException, LDAPExtensionError, LDAPStartTLSError

from mse_tui.config.directories import ActiveDirectorySettings
from mse_tui.directory.ldap_failures import (
    INVALID_CREDENTIALS,
    SUCCESS,
    ServerFailed,
    SignInRefused,
    failure_of_exception,
    failure_of_result,
    plain_text,
    refusal_text,
)
from mse_tui.directory.ldap_kerberos import is_kerberos, kerberos_failure
from mse_tui.exchange.wire import tls_context
from mse_tui.reasons import Problem, Reason, explain

LDAP_PORT, LDAPS_PORT = 389, 636
_EXPIRED, _WRONG_HOST = 10, 62
"""OpenSSL's verification codes X509_V_ERR_CERT_HAS_EXPIRED and X509_V_ERR_HOSTNAME_MISMATCH."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return self.host


def server_address(server: str, encryption: str) -> ServerAddress:
    """What HOST or HOST:PORT of the configuration means."""
    parts = urlsplit(f"//{server}")
    return ServerAddress(parts.hostname or "", parts.port or (LDAPS_PORT if encryption == "ldaps" else LDAP_PORT))


class VerifiedTls(ldap3.Tls):
    """TLS as Python itself verifies it: chain, dates and host name, before anything is sent.

    The library's own leaves certificates unverified by default and compares host names by code that Python has dropped.
    """

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = context
        self._host = host
        self.refusal: ssl.SSLCertVerificationError | None = None
        """Why the certificate was refused; the library passes only a text on."""

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        try:
            connection.socket = self._context.wrap_socket(connection.socket, server_hostname=self._host)
        except ssl.SSLCertVerificationError as error:
            self.refusal = error
            raise


class Opening:
    """How this site connects: the same for all of its servers."""

    def __init__(self, settings: ActiveDirectorySettings) -> None:
        """Raises Problem configuration-invalid where ca_file holds no certificate."""
        self.settings = settings
        ca_file = None if settings.ca_file is None else str(settings.ca_file)
        self._context = tls_context(ca_file, "active_directory")[0]

    def connect(self, address: ServerAddress, **credentials: Any) -> ldap3.Connection:
        """A connection, encrypted and verified, that has not signed in yet; the credentials are for its `bind`.

        Raises ServerFailed, also for a certificate that is refused and a server without encryption: nothing was sent.
        """
        settings = self.settings
        tls = VerifiedTls(self._context, address.host)
        server = ldap3.Server(
            address.host,
            port=address.port,
            use_ssl=settings.encryption == "ldaps",
            tls=tls,
            get_info=ldap3.NONE,
            connect_timeout=settings.connect_timeout_seconds,
        )
        connection = ldap3.Connection(
            server,
            read_only=True,
            auto_referrals=False,
            auto_range=False,
            # Names go to the server as they are: the library's own check refuses some that are valid.
            check_names=False,
            return_empty_attributes=False,
            receive_timeout=settings.timeout_seconds,
            **credentials,
        )
        try:
            connection.open(read_server_info=False)
            if settings.encryption == "starttls":
                connection.start_tls(read_server_info=False)
        except Exception as error:
            close(connection)
            if tls.refusal is not None:
                raise ServerFailed(_certificate_problem(tls.refusal, address)) from error
            if isinstance(error, LDAPStartTLSError | LDAPExtensionError) and not isinstance(error, TimeoutError):
                raise ServerFailed(_unencrypted(address, plain_text(error))) from error
            raise failure_of_exception(error, address.host) from error
        if settings.encryption == "starttls" and not connection.tls_started:
            close(connection)
            raise ServerFailed(_unencrypted(address, "StartTLS was not carried out"))
        return connection


def sign_in(connection: ldap3.Connection, address: ServerAddress) -> None:
    """Bind with the connection's credentials. Raises SignInRefused, Problem, ServerFailed."""
    try:
        connection.bind(read_server_info=False)
    except Exception as error:
        if is_kerberos(error):
            raise kerberos_failure(error, address.host) from error
        raise failure_of_exception(error, address.host) from error
    result = connection.result
    if result["result"] == INVALID_CREDENTIALS:
        raise SignInRefused(refusal_text(result["message"]))
    if result["result"] != SUCCESS:
        raise failure_of_result(result["result"], result["description"], result["message"], address.host)


def certificate_expiry(connection: ldap3.Connection) -> datetime | None:
    """When the certificate of an open connection expires; None where it is not encrypted."""
    if not isinstance(connection.socket, ssl.SSLSocket):
        return None
    certificate = connection.socket.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)


def close(connection: ldap3.Connection) -> None:
    """Close a connection, whatever state it is in."""
    try:
        connection.unbind()
    except (LDAPException, OSError, AttributeError):
        connection.closed = True


def _certificate_problem(refusal: ssl.SSLCertVerificationError, address: ServerAddress) -> Problem:
    remedies = {
        _EXPIRED: "Renew the server's certificate, and check this machine's clock.",
        _WRONG_HOST: "Name the server in [active_directory] servers as its certificate does.",
    }
    general = explain(Reason.CERTIFICATE_REFUSED).remedy.replace("[exchange]", "[active_directory]")
    return Problem(
        Reason.CERTIFICATE_REFUSED,
        f"The certificate of {address.host} was refused: {refusal.verify_message}.",
        remedies.get(refusal.verify_code, general),
    )


def _unencrypted(address: ServerAddress, why: str) -> Problem:
    return Problem(
        Reason.ENCRYPTION_MISSING, f"{address.host} does not encrypt the connection ({why}), so no password was sent."
    )
