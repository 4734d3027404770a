"""Groups of a Microsoft 365 tenant: looked up and expanded by Microsoft Graph, dynamic lists by Exchange Online."""

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from mse_tui.config.directories import Microsoft365Settings
from mse_tui.directory.cloud_members import DYNAMIC_KEY, PAGE, CloudMembers
from mse_tui.directory.cloud_people import PERSON_FIELDS, Person, judged, judged_by_purpose, purpose_path, read_person
from mse_tui.directory.directory import Group, Level, Member, Membership, SkippedEntry
from mse_tui.directory.exchange_online import ExchangeOnline, NotAllowed
from mse_tui.exchange.graph_errors import GraphProblem
from mse_tui.exchange.graph_session import Conversation, Tenant
from mse_tui.exchange.mailbox import AccountHalts
from mse_tui.exchange.rows import MailboxIdentity
from mse_tui.reasons import Problem, Reason

GROUP_FIELDS = (
    "id", "displayName", "mail", "mailEnabled", "securityEnabled", "groupTypes", "proxyAddresses", "visibility",
)  # fmt: skip
_ADVANCED = {"ConsistencyLevel": "eventual"}
_DYNAMIC_LIST = "dynamic distribution list"
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Microsoft365Directory:
    """`GroupDirectory` of a tenant; knows the mailboxes of single addresses too.

    A group's key is its id in Microsoft Entra. A dynamic distribution list has none there: its key is its address.
    """

    def __init__(
        self,
        settings: Microsoft365Settings,
        halts: AccountHalts,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """No request yet. Raises Problem secret-unreadable, configuration-invalid."""
        self._tenant = Tenant(settings, halts)
        self._now = now
        self._closing = threading.Event()
        self._conversation = Conversation(self._tenant, self._closing)
        self._exchange = ExchangeOnline(self._tenant, self._conversation)

    def find(self, text: str, limit: int = 50) -> list[Group]:
        """Groups with words that begin so in their name or address. Graph knows no dynamic lists; `group` does."""
        # A quote or backslash can't be written within a search, and the index knows neither.
        words = text.replace('"', " ").replace("\\", " ").strip()
        if not any(character.isalnum() for character in words):
            return []
        self._tenant.gate.look()
        query = {
            "$search": f'"displayName:{words}" OR "mail:{words}"',
            "$select": ",".join(GROUP_FIELDS),
            "$top": str(min(limit, PAGE)),
            "$count": "true",
        }
        answer = self._conversation.get(self._tenant.graph, "/v1.0/groups", query, _ADVANCED)
        return sorted((_group(row) for row in _rows(answer)[:limit]), key=lambda group: group.name.casefold())

    def browse(self, where: str = "") -> Level:
        """All groups, by name: a tenant has no containers."""
        if where:
            raise Problem(Reason.NOT_FOUND, f"Microsoft 365 has no container {where!r}.")
        self._tenant.gate.look()
        query = {"$select": ",".join(GROUP_FIELDS), "$top": str(PAGE)}
        groups = [
            _group(row)
            for page in self._conversation.pages(self._tenant.graph, "/v1.0/groups", query)
            for row in page.rows
        ]
        return Level((), tuple(sorted(groups, key=lambda group: group.name.casefold())))

    def group(self, text: str) -> Group:
        """The one group with this key or address. Raises Problem group-not-found, group-ambiguous, ..."""
        self._tenant.gate.look()
        text = text.strip().lower()
        if text.startswith(DYNAMIC_KEY):
            return self._existing_list(text.removeprefix(DYNAMIC_KEY))
        if "@" not in text:
            return self._group_by_id(text)
        found = self._groups_by_address(text)
        if len(found) > 1:
            names = ", ".join(group.name for group in found)
            raise Problem(Reason.GROUP_AMBIGUOUS, f"Several groups of Microsoft 365 have the address {text}: {names}.")
        return found[0] if found else self._list_or_nothing(text)

    def members(self, key: str) -> Membership:
        """All members of the group with this key or address; see `GroupDirectory.members`."""
        self._tenant.gate.look()
        dynamic = key.startswith(DYNAMIC_KEY)
        group = _dynamic_list(key.removeprefix(DYNAMIC_KEY)) if dynamic else self.group(key)
        found = CloudMembers(self._tenant.graph, self._conversation, self._exchange).of(group)
        return Membership(
            included=found.included,
            skipped=found.skipped,
            resolved_at=self._now(),
            resolved_by=f"{group.kind}, expanded by {found.expanded_by}",
            group=group,
        )

    def standing(self, address: str) -> SkippedEntry | None:
        """Why the mailbox with this address is not to be processed now; see `GroupDirectory.standing`."""
        self._tenant.gate.look()
        person = self._person(address.strip().lower())
        if person is None:
            return None
        verdict = self._judged(person)
        return verdict if isinstance(verdict, SkippedEntry) else None

    def resolve_address(self, address: str) -> MailboxIdentity:
        """The mailbox that an address or alias is one of; `guid` is '' (the directory knows none).

        Raises Problem mailbox-not-found, or the reason for which the mailbox is not to be processed.
        """
        self._tenant.gate.look()
        address = address.strip().lower()
        person = self._mailbox_owner(address)
        verdict = self._judged(person)
        if isinstance(verdict, SkippedEntry):
            raise Problem(verdict.reason, verdict.message)
        return MailboxIdentity(guid="", address=verdict.address, display_name=verdict.name, kind=verdict.kind)

    def mailbox(self, text: str) -> MailboxIdentity:
        """As `GroupDirectory.mailbox`; Microsoft Graph looks nobody up by a distinguished name."""
        self._tenant.gate.look()
        person = self._mailbox_owner(text.strip().lower())
        return MailboxIdentity(guid="", address=person.address, display_name=person.name)

    def close(self) -> None:
        """End what is under way."""
        self._closing.set()
        self._conversation.close()
        self._tenant.close()

    def _mailbox_owner(self, text: str) -> Person:
        person = self._person(text)
        if person is None or not person.address:
            raise Problem(Reason.MAILBOX_NOT_FOUND, f"No mailbox in Microsoft 365 has the address {text}.")
        return person

    def _judged(self, person: Person) -> Member | SkippedEntry:
        verdict = judged(person)
        if verdict is not None:
            return verdict
        (answer,) = self._conversation.batch([purpose_path(person)])
        return judged_by_purpose(person, answer)

    def _person(self, address: str) -> Person | None:
        """The user that has an address, primary or alias, or else signs in with it; None where there is none."""
        query = {"$filter": f"{_has_address(address)} or {_signs_in(address)}", "$select": ",".join(PERSON_FIELDS)}
        people = [read_person(row) for row in _rows(self._conversation.get(self._tenant.graph, "/v1.0/users", query))]
        exact = [person for person in people if person.address == address]
        aliased = [person for person in people if f"smtp:{address}" in map(str.lower, person.proxyAddresses or ())]
        return next(iter(exact or aliased or people), None)

    def _group_by_id(self, key: str) -> Group:
        if not _ID.fullmatch(key):
            # Anything else might be the name of a function of Graph's.
            raise Problem(Reason.GROUP_NOT_FOUND, f"{key!r} is neither the address nor the id of a group.")
        path = f"/v1.0/groups/{key}"
        try:
            return _group(self._conversation.get(self._tenant.graph, path, {"$select": ",".join(GROUP_FIELDS)}))
        except GraphProblem as problem:
            if problem.status not in (400, 404):
                raise
            raise Problem(
                Reason.GROUP_NOT_FOUND, f"Microsoft 365 has no group with the id {key} (any more)."
            ) from problem

    def _groups_by_address(self, address: str) -> list[Group]:
        query = {"$filter": _has_address(address), "$select": ",".join(GROUP_FIELDS)}
        return [_group(row) for row in _rows(self._conversation.get(self._tenant.graph, "/v1.0/groups", query))]

    def _existing_list(self, address: str) -> Group:
        """The dynamic distribution list with an address. Raises Problem group-not-found, NotAllowed, ..."""
        next(self._exchange.dynamic_members(address), None)
        return _dynamic_list(address)

    def _list_or_nothing(self, address: str) -> Group:
        """The dynamic distribution list that an address may name, after Graph knew no group with it."""
        try:
            return self._existing_list(address)
        except NotAllowed as problem:
            raise Problem(
                Reason.GROUP_NOT_FOUND,
                f"Microsoft Graph knows no group {address}; whether it is a dynamic distribution list could not be"
                f" asked: {problem.happened}",
                problem.remedy,
            ) from problem
        except Problem as problem:
            if problem.reason is not Reason.GROUP_NOT_FOUND:
                raise
            text = f"Microsoft 365 has no group with the address {address}."
            raise Problem(Reason.GROUP_NOT_FOUND, text) from problem


def _dynamic_list(address: str) -> Group:
    return Group(key=f"{DYNAMIC_KEY}{address}", name=address, address=address, kind=_DYNAMIC_LIST)


def _rows(answer: dict[str, Any]) -> list[Any]:
    rows = answer.get("value")
    if not isinstance(rows, list):
        raise Problem(Reason.RESPONSE_BROKEN, "Microsoft Graph's answer is no collection.")
    return rows


def _signs_in(name: str) -> str:
    """The $filter for whoever has this user principal name."""
    return f"userPrincipalName eq '{_quoted(name)}'"


def _has_address(address: str) -> str:
    """The $filter for whoever has an address, primary or alias."""
    literal = _quoted(address)
    return f"proxyAddresses/any(p:p eq 'smtp:{literal}') or mail eq '{literal}'"


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _group(row: Any) -> Group:
    try:
        kinds, mail_enabled, security = row["groupTypes"], row["mailEnabled"], row["securityEnabled"]
        address = str(row["mail"] or "").lower()
        return Group(
            str(row["id"]), str(row["displayName"] or address), address, kind=_kind(kinds, mail_enabled, security)
        )
    except (KeyError, TypeError) as error:
        raise Problem(Reason.RESPONSE_BROKEN, "Microsoft Graph described a group incompletely.") from error


def _kind(group_types: list[str], mail_enabled: bool, security_enabled: bool) -> str:
    by_rule = "dynamic " if "DynamicMembership" in group_types else ""
    if "Unified" in group_types:
        return f"{by_rule}Microsoft 365 group"
    if not mail_enabled:
        return f"{by_rule}security group"
    return "mail-enabled security group" if security_enabled else "distribution list"
