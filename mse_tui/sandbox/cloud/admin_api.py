"""Exchange Online's Admin API (v2.0) as far as it tells who is in a distribution group.

Every call is a POST with a cmdlet and its parameters; further pages are asked for with the same body.
"""

import re
from collections.abc import Callable
from typing import Any

from mse_tui.sandbox.cloud.answers import Answer, CloudError, Question, json_answer
from mse_tui.sandbox.cloud.tenant import Contact, Device, Entry, Group, Tenant, User

ROLE = "Exchange.ManageAsAppV2"
LARGEST_PAGE = 1000

_PATH = re.compile(r"/adminapi/v2\.0/([^/]+)/(\w+)")
_CMDLETS = {
    "DistributionGroupMember": ("Get-DistributionGroupMember", False),
    "DynamicDistributionGroupMember": ("Get-DynamicDistributionGroupMember", True),
}
"""Endpoint -> (the only cmdlet it takes, whether it is about dynamic lists)."""

_NOT_FOUND = "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|"
_GROUP_TYPES = {
    "unified": "GroupMailbox",
    "distribution": "MailUniversalDistributionGroup",
    "mail-security": "MailUniversalSecurityGroup",
    "dynamic": "DynamicDistributionGroup",
}
_MAILBOX_TYPES = {
    "shared": "SharedMailbox",
    "room": "RoomMailbox",
    "equipment": "EquipmentMailbox",
    "linked": "LinkedMailbox",
}


class AdminApi:
    """Answers for the tenant that `tenant()` gives at each question."""

    def __init__(self, origin: Callable[[], str], tenant: Callable[[], Tenant], names: tuple[str, ...]) -> None:
        """`names`: what the tenant is called in addresses, its id and its domain."""
        self._origin = origin
        self._tenant = tenant
        self._names = names
        self.page_size = LARGEST_PAGE
        """Rows in a page, at most."""

    def handle(self, question: Question, roles: frozenset[str]) -> Answer:
        """The answer for an application with these roles."""
        try:
            return json_answer(200, self._answer(question, roles))
        except CloudError as error:
            return error.answer

    def _answer(self, question: Question, roles: frozenset[str]) -> dict[str, Any]:
        found = _PATH.fullmatch(question.path)
        if found is None or found[1].lower() not in self._names or question.method != "POST":
            raise CloudError(404, "NotFound", "There is no such endpoint.")
        if ROLE not in roles:
            raise CloudError(403, "Forbidden", "The application has no role that allows to run this cmdlet.")
        identity, is_dynamic = _asked(question, found[2])
        if "x-anchormailbox" not in question.headers:
            raise CloudError(400, "BadRequest", "X-AnchorMailbox is missing.")
        tenant = self._tenant()
        group = next((one for one in tenant.exchange_groups() if _is_called(one, identity)), None)
        if group is None or (group.kind == "dynamic") != is_dynamic:
            raise CloudError(404, "NotFound", f"{_NOT_FOUND}The object '{identity}' couldn't be found.")
        members = [tenant.entries[key] for key in group.members if key in tenant.entries]
        return self._page(question, [row for row in map(_recipient, members) if row is not None])

    def _page(self, question: Question, rows: list[dict[str, Any]]) -> dict[str, Any]:
        skip = question.query.get("$skiptoken", "0")
        if not skip.isdigit():
            raise CloudError(400, "BadRequest", "The continuation is not valid.")
        start, end = int(skip), int(skip) + self.page_size
        content: dict[str, Any] = {"@odata.context": f"{self._origin()}{question.path}/$metadata"}
        if end < len(rows):
            content["@odata.nextLink"] = f"{self._origin()}{question.path}?$skiptoken={end}"
        return {**content, "value": rows[start:end]}


def _asked(question: Question, endpoint: str) -> tuple[str, bool]:
    """(the identity asked for, whether it is a dynamic list). Raises CloudError."""
    if endpoint not in _CMDLETS:
        raise CloudError(404, "NotFound", f"There is no endpoint {endpoint}.")
    command = question.json().get("CmdletInput") or {}
    cmdlet, is_dynamic = _CMDLETS[endpoint]
    parameters = command.get("Parameters") or {}
    if command.get("CmdletName") != cmdlet:
        raise CloudError(400, "BadRequest", f"The endpoint takes {cmdlet} alone.")
    unknown = set(parameters) - {"Identity", "ResultSize"}
    if unknown or not parameters.get("Identity"):
        raise CloudError(400, "BadRequest", "Parameters are Identity, and ResultSize where wanted.")
    return str(parameters["Identity"]), is_dynamic


def _is_called(group: Group, identity: str) -> bool:
    return identity.casefold() in (one.casefold() for one in (group.address, *group.aliases, group.name, group.id))


def _recipient(entry: Entry) -> dict[str, Any] | None:
    """An entry as the cmdlets show it; None for what is no recipient."""
    if isinstance(entry, Device) or not entry.address:
        return None
    row = {
        "Identity": entry.name,
        "Name": entry.name,
        "DisplayName": entry.name,
        "PrimarySmtpAddress": entry.address,
        "RecipientTypeDetails": _type_of(entry),
        "ExternalDirectoryObjectId": entry.id,
        "Guid": entry.id,
    }
    if isinstance(entry, Group) and entry.kind == "dynamic":
        row["ExternalDirectoryObjectId"] = ""
    return row


def _type_of(entry: User | Group | Contact) -> str:
    if isinstance(entry, Contact):
        return "MailContact"
    if isinstance(entry, Group):
        return _GROUP_TYPES.get(entry.kind, "MailUniversalDistributionGroup")
    if entry.guest:
        return "GuestMailUser"
    return _MAILBOX_TYPES.get(entry.purpose, "UserMailbox" if entry.purpose else "MailUser")
