"""People as Microsoft 365 describes them, and whether each one's mailbox is to be processed."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from mse_tui.directory.directory import Member, SkippedEntry
from mse_tui.exchange.graph_batch import BatchAnswer
from mse_tui.reasons import Problem, Reason

PERSON_FIELDS = (
    "id", "displayName", "mail", "userPrincipalName", "userType", "accountEnabled", "assignedPlans", "proxyAddresses",
)  # fmt: skip
"""What is asked of a user; licences and addresses come only where they are named."""

MAILBOX_PLANS = frozenset(
    {
        "9aaf7827-d63c-4b61-89c3-182f06f82e5c",  # EXCHANGE_S_STANDARD
        "efb87545-963c-4e0d-99df-69c6916d9eb0",  # EXCHANGE_S_ENTERPRISE
        "4a82b400-a79f-41a4-b4e2-e94f5787b113",  # EXCHANGE_S_DESKLESS
        "1126bef5-da20-4f07-b45e-ad25d2581aa8",  # EXCHANGE_S_ESSENTIALS
        "fc52cc4b-ed7d-472d-bbe7-b081c23ecc56",  # EXCHANGE_S_STANDARD_MIDMARKET
        "d42bdbd6-c335-4231-ab3d-c8f348d5aff5",  # EXCHANGE_L_STANDARD
        "90927877-dcff-4af6-b346-2332c0b15bb7",  # EXCHANGE_B_STANDARD
        "e9b4930a-925f-45e2-ac2a-3f7788ca6fdd",  # EXCHANGE_S_STANDARD_GOV
        "8c3069c0-ccdb-44be-ab77-986203a67df2",  # EXCHANGE_S_ENTERPRISE_GOV
    }
)
"""Service plans that bring a mailbox (Microsoft's list of service plan identifiers for licensing)."""

_NO_MAILBOX_PLANS = frozenset(
    {
        "113feb6c-3fe4-4440-bddc-54d774bf0318",  # EXCHANGE_S_FOUNDATION: comes with nearly every subscription
        "922ba911-5694-4e99-a794-73aed9bfeec8",  # EXCHANGE_S_FOUNDATION_GOV
        "176a09a6-7ec5-4039-ac02-b2791c6ba793",  # EXCHANGE_S_ARCHIVE_ADDON
        "da040e0a-b393-4bea-bb76-928b3fa1cf5a",  # EXCHANGE_S_ARCHIVE
    }
)
"""Service plans that are Exchange's and bring no mailbox by themselves."""

_WORKING = ("Enabled", "Warning")
"""Capability states in which a plan can be used; Warning is the grace period after a subscription's end."""

_SHARED_KINDS = ("shared", "room", "equipment")


class Plan(BaseModel):
    """A service plan that a licence assigns."""

    model_config = ConfigDict(frozen=True)

    servicePlanId: str  # noqa: N815 (Graph's own name)
    service: str | None
    capabilityStatus: str | None  # noqa: N815


class Person(BaseModel):
    """A user, with every field that was asked for: one that is missing is an answer that must not be used."""

    model_config = ConfigDict(frozen=True)

    id: str
    displayName: str | None  # noqa: N815
    mail: str | None
    userPrincipalName: str | None  # noqa: N815
    userType: str | None  # noqa: N815
    accountEnabled: bool | None  # noqa: N815
    assignedPlans: list[Plan] | None  # noqa: N815
    proxyAddresses: list[str] | None  # noqa: N815

    @property
    def address(self) -> str:
        """Primary SMTP address, lower case; '' where there is none."""
        primary = next((one[5:] for one in self.proxyAddresses or () if one.startswith("SMTP:")), self.mail or "")
        return primary.lower()

    @property
    def name(self) -> str:
        """For people: the display name, else the sign-in name."""
        return self.displayName or self.userPrincipalName or self.id

    @property
    def entry(self) -> str:
        """How the person is listed where no mailbox is processed."""
        return self.address or self.userPrincipalName or self.id

    @property
    def licensed(self) -> bool | None:
        """Whether a licence for a mailbox is assigned; None where only plans of an unknown kind are."""
        plans = [one for one in self.assignedPlans or () if one.capabilityStatus in _WORKING]
        if any(plan.servicePlanId in MAILBOX_PLANS for plan in plans):
            return True
        unknown = [one for one in plans if one.service == "exchange" and one.servicePlanId not in _NO_MAILBOX_PLANS]
        return None if unknown else False


def read_person(row: Any) -> Person:
    """A user of an answer. Raises Problem response-broken, and access-denied where the application sees only the id."""
    try:
        person = Person.model_validate(row)
    except ValidationError as error:
        missing = ", ".join(str(fault["loc"][0]) for fault in error.errors() if fault["loc"]) or "any property"
        raise Problem(Reason.RESPONSE_BROKEN, f"Microsoft Graph described a user without {missing}.") from None
    if not person.userPrincipalName:
        # To an application without the permission Graph tells that there is a member, and nothing about it.
        raise Problem(
            Reason.ACCESS_DENIED,
            "Microsoft Graph shows that the group has members, but not who they are.",
            "Give the application the permission User.Read.All (application), and grant admin consent.",
        )
    return person


def judged(person: Person) -> Member | SkippedEntry | None:
    """Whether a person's mailbox is processed, as far as the directory tells; None: what kind it is has to be asked.

    Shared, room and equipment mailboxes have disabled accounts and need no licence, so neither decides alone.
    """
    if person.userType == "Guest":
        return SkippedEntry(
            person.entry,
            Reason.MAILBOX_ELSEWHERE,
            f"{person.entry} is a guest, with a mailbox in another organisation.",
        )
    if not person.address:
        return SkippedEntry(person.entry, Reason.NO_MAILBOX, f"{person.entry} has no mail address.")
    if person.accountEnabled and person.licensed:
        return Member(person.address, person.name)
    return None


def purpose_path(person: Person) -> str:
    """Where Graph tells what kind of mailbox a person has (below /v1.0)."""
    return f"/users/{person.id}/mailboxSettings/userPurpose"


def judged_by_purpose(person: Person, answer: BatchAnswer) -> Member | SkippedEntry:
    """Whether a mailbox is processed whose account is disabled or has no licence. Raises Problem if it is unknown."""
    entry = person.address
    if answer.status == 404:
        return SkippedEntry(entry, Reason.NO_MAILBOX, f"{entry} has no mailbox in Microsoft 365.")
    if answer.status == 403:
        return SkippedEntry(
            entry,
            Reason.ACCESS_DENIED,
            f"The application may not read the settings of {entry}, whose account is disabled or has no licence for a"
            " mailbox; so it is not known whether it is a shared mailbox.",
        )
    if answer.status != 200:
        raise answer.problem
    purpose = answer.content.get("value")
    if not isinstance(purpose, str):
        raise Problem(Reason.RESPONSE_BROKEN, f"Microsoft Graph did not say what kind of mailbox {entry} has.")
    if purpose in _SHARED_KINDS:
        return Member(entry, person.name, purpose)
    if not person.accountEnabled:
        return SkippedEntry(entry, Reason.MAILBOX_DISABLED, f"The account of {entry} is disabled.")
    if person.licensed is False:
        return SkippedEntry(entry, Reason.NOT_LICENSED, f"{entry} has no licence for a mailbox.")
    return Member(entry, person.name)
