"""Members of distribution groups as Exchange Online itself tells them, by its Admin API (v2.0).

Dynamic distribution lists are known to Exchange alone, not to Microsoft Graph. Their members are those that Exchange
has computed, at most a day ago.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mse_tui.exchange.graph_errors import GraphProblem
from mse_tui.exchange.graph_session import Conversation, Tenant
from mse_tui.exchange.retry import Deadline
from mse_tui.reasons import Problem, Reason

_SYSTEM_MAILBOX = "SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}"
"""The mailbox that a request of an application is routed by where it is about no mailbox in particular."""

_FIELDS = "DisplayName,PrimarySmtpAddress,RecipientTypeDetails,ExternalDirectoryObjectId"

_ROLE = (
    "Give the application the permission Exchange.ManageAsAppV2 (Office 365 Exchange Online), grant admin consent, and"
    " add it to the role group Recipient Management in Exchange."
)

DYNAMIC = "DynamicDistributionGroup"
SHARED = {"SharedMailbox": "shared", "RoomMailbox": "room", "EquipmentMailbox": "equipment"}
"""RecipientTypeDetails of mailboxes that are nobody's -> what we call them."""
GROUPS = ("GroupMailbox", "MailUniversalDistributionGroup", "MailUniversalSecurityGroup", "RoomList")
_PEOPLE = ("UserMailbox", "LinkedMailbox", "LegacyMailbox")


@dataclass(frozen=True, slots=True)
class Recipient:
    """A member of a group as Exchange Online lists it."""

    type: str
    """RecipientTypeDetails: UserMailbox, SharedMailbox, MailContact, DynamicDistributionGroup, ..."""
    address: str
    """Primary SMTP address, lower case; '' where it has none."""
    name: str
    id: str
    """Its id in Microsoft Entra; '' for what is not there."""

    @property
    def is_person(self) -> bool:
        """Whether an account and its licence decide about the mailbox."""
        return self.type in _PEOPLE


class NotAllowed(Problem):
    """The application has no permission to ask Exchange Online."""


class ExchangeOnline:
    """The Admin API's cmdlets about groups."""

    def __init__(self, tenant: Tenant, conversation: Conversation) -> None:
        self._tenant = tenant
        self._conversation = conversation

    def dynamic_members(self, address: str, deadline: Deadline | None = None) -> Iterator[Recipient]:
        """The members of a dynamic distribution list.

        Raises Problem group-not-found, NotAllowed, and when any page can't be had.
        """
        return self._members("DynamicDistributionGroupMember", "Get-DynamicDistributionGroupMember", address, deadline)

    def direct_members(self, address: str, deadline: Deadline | None = None) -> Iterator[Recipient]:
        """The direct members of a distribution list or mail-enabled security group. Raises as `dynamic_members`."""
        return self._members("DistributionGroupMember", "Get-DistributionGroupMember", address, deadline)

    def _members(self, endpoint: str, cmdlet: str, identity: str, deadline: Deadline | None) -> Iterator[Recipient]:
        name = self._tenant.settings.tenant
        parameters = {"Identity": identity, "ResultSize": "Unlimited"}
        try:
            for page in self._conversation.pages(
                self._tenant.exchange_online,
                f"/adminapi/v2.0/{name}/{endpoint}",
                {"$select": _FIELDS},
                {"X-AnchorMailbox": f"APP:{_SYSTEM_MAILBOX}@{name}"},
                content={"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}},
                deadline=deadline,
            ):
                yield from (_recipient(row) for row in page.rows)
        except GraphProblem as problem:
            raise _told(problem, identity) from problem


def _recipient(row: Any) -> Recipient:
    kind = row.get("RecipientTypeDetails") if isinstance(row, dict) else None
    if not isinstance(kind, str):
        raise Problem(Reason.RESPONSE_BROKEN, "Exchange Online listed a member without saying what it is.")
    recipient = Recipient(
        type=kind,
        address=str(row.get("PrimarySmtpAddress") or "").lower(),
        name=str(row.get("DisplayName") or ""),
        id=str(row.get("ExternalDirectoryObjectId") or "").lower(),
    )
    incomplete = not recipient.id if recipient.is_person or kind in GROUPS else not recipient.address
    if incomplete and kind in (*_PEOPLE, *GROUPS, *SHARED, DYNAMIC):
        raise Problem(Reason.RESPONSE_BROKEN, f"Exchange Online described {recipient.name or kind} incompletely.")
    return recipient


def _told(problem: GraphProblem, identity: str) -> Problem:
    if problem.status == 404:
        return Problem(Reason.GROUP_NOT_FOUND, f"Exchange Online knows no such distribution list: {identity}.")
    if problem.status in (401, 403):
        # It may call a missing role either; the token was a fresh one.
        return NotAllowed(
            Reason.ACCESS_DENIED, f"The application may not ask Exchange Online: {problem.happened}", _ROLE
        )
    return problem
