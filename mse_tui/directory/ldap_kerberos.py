"""Signing in to a directory with Kerberos, where the optional package for it is installed."""

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import ldap3

from mse_tui.config.directories import ActiveDirectorySettings
from mse_tui.directory.ldap_failures import ServerFailed, SignInRefused
from mse_tui.reasons import Problem, Reason

_BASE = -1765328384
"""MIT Kerberos numbers the errors of RFC 4120 from here."""
_REFUSED = {
    _BASE + 6: "no such account",
    _BASE + 18: "the account is disabled, locked or expired",
    _BASE + 23: "the password has expired",
    _BASE + 24: "wrong key",
}
"""KDC_ERR_C_PRINCIPAL_UNKNOWN, KDC_ERR_CLIENT_REVOKED, KDC_ERR_KEY_EXPIRED, KDC_ERR_PREAUTH_FAILED."""
_UNREACHABLE = {-1765328228, -1765328164}
"""KRB5_KDC_UNREACH, KRB5_REALM_CANT_RESOLVE."""


def kerberos_credentials(settings: ActiveDirectorySettings, host: str) -> dict[str, Any]:
    """What a connection needs to sign in with the keytab of the settings, else with this user's tickets.

    Raises Problem configuration-invalid where the package is not installed, secret-unreadable where the keytab is not.
    """
    if importlib.util.find_spec("gssapi") is None:
        raise Problem(
            Reason.CONFIGURATION_INVALID,
            'Kerberos is not installed, and [active_directory] sign_in is "kerberos".',
            'Install it: pip install "mse-tui[kerberos]"; or set sign_in = "simple".',
        )
    credentials: dict[str, Any] = {
        "user": settings.user,
        "authentication": ldap3.SASL,
        "sasl_mechanism": ldap3.KERBEROS,
        "sasl_credentials": (host,),
    }
    if settings.keytab_file is not None:
        keytab_digest(settings.keytab_file)
        # A cache in memory, of these settings alone: the tickets of this user are neither used nor changed.
        name = hashlib.sha256(f"{settings.user}\n{settings.keytab_file}".encode()).hexdigest()
        credentials["cred_store"] = {"client_keytab": str(settings.keytab_file), "ccache": f"MEMORY:mse-tui-{name}"}
    return credentials


def keytab_digest(path: Path) -> str:
    """What names the keytab's content. Raises Problem secret-unreadable where it is not there or can't be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise Problem(Reason.SECRET_UNREADABLE, f"The keytab {path} could not be read: {error.strerror}.") from error


def kerberos_failure(error: Exception, server: str) -> Problem | ServerFailed | SignInRefused:
    """What an exception of the Kerberos library means."""
    code = int(getattr(error, "min_code", 0))
    # The library counts codes without a sign on some systems.
    code = code - (1 << 32) if code >= 1 << 31 else code
    if code in _REFUSED:
        return SignInRefused(_REFUSED[code])
    said = f"Kerberos sign-in at {server} failed: {error}".rstrip(".") + "."
    if code in _UNREACHABLE:
        remedy = "Check that the domain's Kerberos servers can be reached (port 88), and krb5.conf."
        return ServerFailed(Problem(Reason.DIRECTORY_UNREACHABLE, said, remedy))
    remedy = "Check the keytab (klist -k) or the tickets (klist), krb5.conf, and this machine's clock."
    return Problem(Reason.CONFIGURATION_INVALID, said, remedy)


def is_kerberos(error: Exception) -> bool:
    """Whether an exception is one of the Kerberos library."""
    return type(error).__module__.startswith("gssapi")
