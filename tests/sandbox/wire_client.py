"""Plain requests to the practice organisation's server."""

import requests

from mse_tui.sandbox.server import SandboxServer
from tests.sandbox.ews_rig import SOAP, M, T

NAMESPACES = {"s": SOAP, "m": M, "t": T}


def soap(operation: str, mailbox: str | None = None) -> bytes:
    """A request, on behalf of a mailbox."""
    who = (
        "<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>"
        f"{mailbox}</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>"
        if mailbox
        else ""
    )
    return (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:t="{T}" xmlns:m="{M}"><s:Header>'
        f'<t:RequestServerVersion Version="Exchange2016"/>{who}</s:Header><s:Body>{operation}</s:Body></s:Envelope>'
    ).encode()


GET_INBOX = (
    "<m:GetFolder><m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape><m:FolderIds>"
    '<t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder>'
)
TIME_ZONES = '<m:GetServerTimeZones ReturnFullTimeZoneData="true"/>'


def post(server: SandboxServer, operation: str = GET_INBOX, mailbox: str | None = None, **options) -> requests.Response:
    """Send an operation as the service account for a mailbox (the first one), unless told otherwise."""
    options.setdefault("auth", server.service_account)
    options.setdefault("timeout", 10)
    with requests.Session() as session:
        session.trust_env = False
        return session.post(
            server.url,
            data=soap(operation, server.addresses[0] if mailbox is None else mailbox),
            headers={"Content-Type": "text/xml; charset=utf-8"},
            **options,
        )


def admin(server: SandboxServer, method: str, path: str, token: str | None = None, **options) -> requests.Response:
    """Ask the admin endpoint."""
    headers = {"Authorization": f"Bearer {server.admin_token if token is None else token}"}
    return requests.request(method, f"{server.origin}/admin{path}", headers=headers, timeout=10, **options)
