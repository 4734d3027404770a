"""What an object of Active Directory is to this program: a mailbox to process, or something to skip and why.

Exchange writes what a recipient is into msExchRecipientTypeDetails. Where there is no Exchange in the forest (it is in
another one), a person with a mail address counts as a mailbox, and Exchange itself decides when it is opened.
"""

from mse_tui.directory.directory import Member, SkippedEntry
from mse_tui.directory.ldap_names import shown, sid_text
from mse_tui.directory.ldap_search import Entry, any_of, equal
from mse_tui.reasons import Reason

ATTRIBUTES = (
    "objectGUID",
    "objectClass",
    "objectSid",
    "displayName",
    "mail",
    "proxyAddresses",
    "sAMAccountName",
    "userPrincipalName",
    "userAccountControl",
    "targetAddress",
    "homeMDB",
    "msExchMailboxGuid",
    "msExchRecipientTypeDetails",
    "msExchRemoteRecipientType",
    "msExchDynamicDLFilter",
    "msExchDynamicDLBaseDN",
)
"""What is read of each member; what a forest's schema does not have is not given."""

DYNAMIC_GROUP = "msexchdynamicdistributionlist"
_ACCOUNT_DISABLED = 0x2
"""userAccountControl: ADS_UF_ACCOUNTDISABLE."""

# msExchRecipientTypeDetails, as Exchange's Get-Recipient names them.
_USERS = {1: "user", 2: "user", 8: "user", 1 << 37: "user"}
"""UserMailbox, LinkedMailbox, LegacyMailbox, TeamMailbox."""
_RESOURCES = {4: "shared", 16: "room", 32: "equipment", 1 << 41: "room"}
"""SharedMailbox, RoomMailbox, EquipmentMailbox, LinkedRoomMailbox."""
_KINDS = {**_USERS, **_RESOURCES}
_LINKED = {2, 1 << 41}
"""The account here is disabled by design: the one that signs in is in another forest."""
_REMOTE = {1 << 31, 1 << 33, 1 << 34, 1 << 35, 1 << 38, 1 << 43}
"""RemoteUserMailbox, RemoteRoomMailbox, RemoteEquipmentMailbox, RemoteSharedMailbox, RemoteTeamMailbox,
RemoteGroupMailbox."""
_MAIL_USERS = {64, 128, 1 << 15, 1 << 45}
"""MailContact, MailUser, MailForestContact, GuestMailUser: mail is passed on to another organisation."""


def is_group(entry: Entry) -> bool:
    """Whether the object has members, listed or by a filter."""
    return bool(entry.classes & {"group", DYNAMIC_GROUP})


def is_dynamic(entry: Entry) -> bool:
    """Whether its members are what fits its filter."""
    return DYNAMIC_GROUP in entry.classes


def classify(entry: Entry, *, has_exchange: bool) -> Member | SkippedEntry:
    """The mailbox that the object is, or why there is none to process."""
    classes = entry.classes
    if "foreignsecurityprincipal" in classes:
        sid = sid_text(entry.octets("objectSid")) if entry.octets("objectSid") else shown(entry.name)
        return _skipped(entry, Reason.FOREIGN_MEMBER, f"{sid} comes from another forest, whose directory is not asked.")
    if "contact" in classes:
        return _skipped(entry, Reason.CONTACT, f"{name_of(entry)} is a contact.")
    if "user" not in classes or "computer" in classes:
        return _skipped(entry, Reason.NO_MAILBOX, f"{name_of(entry)} is not a person ({_main_class(classes)}).")
    return _classify_user(entry, has_exchange=has_exchange)


def _classify_user(entry: Entry, *, has_exchange: bool) -> Member | SkippedEntry:
    details = entry.number("msExchRecipientTypeDetails")
    if reason := _elsewhere(entry, details):
        return _skipped(entry, Reason.MAILBOX_ELSEWHERE, reason)
    if reason := _no_mailbox(entry, details, has_exchange=has_exchange):
        return _skipped(entry, Reason.NO_MAILBOX, reason)
    if is_disabled(entry) and details not in _RESOURCES and details not in _LINKED:
        return _skipped(entry, Reason.MAILBOX_DISABLED, f"The account of {name_of(entry)} is disabled.")
    return Member(primary_address(entry), name_of(entry), _KINDS.get(details, "user"))


def _elsewhere(entry: Entry, details: int) -> str:
    """Where the mailbox is, if in another organisation; '' else."""
    if details in _REMOTE or (details not in _KINDS and entry.number("msExchRemoteRecipientType")):
        return f"The mailbox of {name_of(entry)} is in Microsoft 365."
    if details in _MAIL_USERS or (not details and entry.text("targetAddress")):
        return f"Mail for {name_of(entry)} is passed on to another organisation."
    return ""


def _no_mailbox(entry: Entry, details: int, *, has_exchange: bool) -> str:
    """Why the account has no mailbox for people; '' where it has one."""
    if details and details not in _KINDS:
        return f"{name_of(entry)} has no mailbox, or one of Exchange's own."
    if has_exchange and not details and not entry.octets("homeMDB") and not entry.octets("msExchMailboxGuid"):
        return f"{name_of(entry)} has no mailbox."
    return "" if primary_address(entry) else f"{name_of(entry)} has no mail address."


def is_disabled(entry: Entry) -> bool:
    """Whether the account may not sign in."""
    return bool(entry.number("userAccountControl") & _ACCOUNT_DISABLED)


def primary_address(entry: Entry) -> str:
    """The primary SMTP address in lower case; '' where there is none."""
    for proxy in entry.texts("proxyAddresses"):
        if proxy.startswith("SMTP:"):
            return proxy.removeprefix("SMTP:").strip().lower()
    return entry.text("mail").strip().lower()


def has_address(address: str) -> str:
    """The filter for recipients with this SMTP address, primary or not."""
    return any_of((equal("mail", address), equal("proxyAddresses", f"smtp:{address}")))


def name_of(entry: Entry) -> str:
    """What people call it."""
    return entry.text("displayName") or shown(entry.name)


def _skipped(entry: Entry, reason: Reason, message: str) -> SkippedEntry:
    named = primary_address(entry) or entry.text("userPrincipalName") or entry.text("sAMAccountName")
    return SkippedEntry(named or shown(entry.name), reason, message)


def _main_class(classes: frozenset[str]) -> str:
    """The class that says most, for people."""
    known = ("computer", "group", "publicfolder", "organizationalunit")
    return next((one for one in known if one in classes), "another kind of object")
