"""Signing in to a directory with Kerberos, where the optional package for it is installed."""

import importlib.util
from typing import Any

import ldap3

from mse_tui.config import ActiveDirectorySettings
from mse_tui.reasons import Problem, Reason


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
        if not settings.keytab_file.is_file():
            raise Problem(Reason.SECRET_UNREADABLE, f"There is no keytab at {settings.keytab_file}.")
        # A cache in memory: the tickets of this user are neither used nor changed.
        credentials["cred_store"] = {"client_keytab": str(settings.keytab_file), "ccache": f"MEMORY:mse-tui-{host}"}
    return credentials
