"""Filling the practice organisation: mailboxes, folders, messages, contacts, tasks, notes, calendars, groups."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import accumulate, pairwise
from typing import Any
from xml.sax.saxutils import escape

from mse_tui.sandbox.calendars import appointments, side_projects
from mse_tui.sandbox.company import DATA, Company, Employee, FolderPermissions, Language, company
from mse_tui.sandbox.content import MEAN_BYTES, Letter, Letters
from mse_tui.sandbox.mailstore import MailStore
from mse_tui.sandbox.mime import spec_from_mime
from mse_tui.sandbox.permissions import ANONYMOUS, DEFAULT, Permission, permissions, set_level, set_permissions
from mse_tui.sandbox.records import FolderRecord, ItemSpec, MailboxRecord

log = logging.getLogger(__name__)

_ENOUGH_FOR_SAMPLES = 200
"""Messages of a mailbox from which on it also holds contacts, tasks, notes and the sample messages of `data/`."""
_SPOOL = 2_000


@dataclass(frozen=True, slots=True)
class Extent:
    """How large the organisation is. The same extent always gives the same organisation."""

    people: int = 25
    """Personal mailboxes; shared mailboxes, rooms and other accounts come on top."""
    messages: int = 5_000
    """Items in the personal mailboxes' folders, calendars apart."""
    seed: int = 1
    mean_bytes: int = MEAN_BYTES

    def __post_init__(self) -> None:
        if self.people < 1 or self.messages < 0 or not 2_000 <= self.mean_bytes <= 10_000_000:
            raise ValueError(
                "an organisation has at least one person, messages of 2,000 to 10,000,000 bytes on average"
            )

    def as_mapping(self) -> dict[str, int]:
        """For JSON."""
        return asdict(self)

    def shares(self) -> list[int]:
        """How many items each person's mailbox holds: the first ones have more; together exactly `messages`."""
        ends = list(accumulate((1 / (1 + place) ** 0.5 for place in range(self.people)), initial=0.0))
        marks = [round(self.messages * end / ends[-1]) for end in ends]
        return [after - before for before, after in pairwise(marks)]


def populate(store: MailStore, extent: Extent, progress: Callable[[int], None] | None = None) -> None:
    """Fill an empty store. `progress` is told the number of items so far now and then."""
    firm = company()
    letters = Letters(extent.seed, extent.mean_bytes, firm)
    told = progress if progress is not None else _nobody
    done = 0
    for employee, share in zip(firm.employees(extent.people), extent.shares(), strict=True):
        _populate_employee(store, employee, share, extent.seed, letters)
        done += share
        told(done)
    for place, other in enumerate(firm.other_mailboxes()):
        mailbox = store.add_mailbox(
            other.address,
            other.name,
            aliases=other.aliases,
            kind=other.kind,
            disabled=other.disabled,
            folder_names=firm.languages[other.language].standard_names,
        )
        count = 0 if other.kind in ("room", "equipment") else min(200, extent.messages // 20)
        _add(store, mailbox, firm.languages[other.language], letters.of_other(place, count))
    _organise(store, firm, extent.people)
    log.info("populated the practice organisation: %d people, %d messages", extent.people, extent.messages)


def _nobody(_: int) -> None:
    """Takes note of nothing."""


def _populate_employee(store: MailStore, employee: Employee, share: int, seed: int, letters: Letters) -> None:
    language = company().languages[employee.language]
    mailbox = store.add_mailbox(
        employee.address,
        employee.name,
        aliases=employee.aliases,
        online_archive=employee.online_archive,
        folder_names=language.standard_names,
    )
    store.put_setting(mailbox.id, "person", {"title": employee.title, "department": employee.department})
    extras = list(_extras(employee, language, share))
    _add(store, mailbox, language, letters.of_employee(employee.index, share - len(extras)))
    _add(store, mailbox, language, extras)
    if share:
        calendar = store.distinguished_folder(mailbox.id, "calendar")
        assert calendar is not None
        store.add_items(calendar.id, appointments(employee, language, seed))
        if employee.index % 3 == 0:
            second = store.add_folder(mailbox.id, calendar.id, language.projects[0], folder_class="IPF.Appointment")
            store.add_items(second.id, side_projects(employee, language, seed))


def _add(store: MailStore, mailbox: MailboxRecord, language: Language, letters: Iterable[Letter]) -> None:
    """Put letters into their folders, which are made where they are not there yet."""
    folders = {
        record.distinguished: record.id for record in store.folders(mailbox.id) if record.distinguished
    }  # fmt: skip
    paths: dict[tuple[str, ...], int] = {(): folders["msgfolderroot"]}
    for path in language.paths if mailbox.kind not in ("room", "equipment") else ():
        known = {child.name: child.id for child in store.children(paths[path[:-1]])}
        paths[path] = known.get(path[-1]) or store.add_folder(mailbox.id, paths[path[:-1]], path[-1]).id
    waiting: defaultdict[int, list[ItemSpec]] = defaultdict(list)
    for folder, spec in letters:
        target = folders[folder] if isinstance(folder, str) else paths[folder]
        waiting[target].append(spec)
        if len(waiting[target]) >= _SPOOL:
            store.add_items(target, waiting.pop(target))
    for target, specs in waiting.items():
        store.add_items(target, specs)


def _extras(employee: Employee, language: Language, share: int) -> Iterator[Letter]:
    """What a mailbox holds beside generated messages, if it is large enough."""
    if share < _ENOUGH_FOR_SAMPLES:
        return
    until = company().until
    for age, other in enumerate(company().correspondents):
        if not other.spam:
            yield Letter("contacts", _contact(other.name, other.address, age))
    for age, text in enumerate(language.tasks):
        created = until - timedelta(days=10 + age)
        yield Letter("tasks", ItemSpec(subject=text, item_class="IPM.Task", created=created, size=900, is_read=True))
    for age, text in enumerate(language.notes):
        created = until - timedelta(days=40 + age)
        note = ItemSpec(subject=text, item_class="IPM.StickyNote", created=created, size=500, is_read=True)
        yield Letter("notes", note)
    if employee.index == 0:
        yield from (Letter("inbox", spec_from_mime(data)) for data in sample_messages())


def sample_messages() -> Iterator[bytes]:
    """The messages of `data/messages`, byte for byte."""
    folder = DATA / "messages"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".eml"):
            yield file.read_bytes()


def _contact(name: str, address: str, age: int) -> ItemSpec:
    return ItemSpec(
        subject=name,
        item_class="IPM.Contact",
        created=company().until - timedelta(days=200 + age),
        size=1_500,
        is_read=True,
        properties={
            "contacts:FileAs": f"<t:FileAs>{escape(name)}</t:FileAs>",
            "contacts:DisplayName": f"<t:DisplayName>{escape(name)}</t:DisplayName>",
            "contacts:EmailAddresses": (
                f'<t:EmailAddresses><t:Entry Key="EmailAddress1">{escape(address)}</t:Entry></t:EmailAddresses>'
            ),
        },
    )


def _organise(store: MailStore, firm: Company, people: int) -> None:
    """Groups, delegates and full access, as far as the people concerned have mailboxes."""
    employees = list(firm.employees(people))
    groups: list[dict[str, Any]] = []
    for group in firm.groups():
        members = [one.address for one in employees if group.everyone or one.department == group.department]
        groups.append(
            {
                "name": group.name,
                "address": group.address,
                "aliases": list(group.aliases),
                "members": [*members, *group.members],
                "kind": group.kind,
                "outside": list(group.outside),
            }
        )
    known = {mailbox.address for mailbox in store.mailboxes()} | {row["address"] for row in groups}
    for entry in groups:
        entry["members"] = [address for address in entry["members"] if address in known]
    store.put_setting(0, "groups", groups)
    for row in firm.delegates():
        mailbox = store.mailbox(firm.address(row["mailbox"]))
        if mailbox is not None and firm.address(row["delegate"]) in known:
            _appoint(store, mailbox, _delegate(firm, row))
    for given in firm.folder_permissions():
        _permit(store, given, known)
    for address, trustee in firm.full_access():
        mailbox = store.mailbox(address)
        if mailbox is not None and trustee in known:
            store.grant_full_access(mailbox.id, trustee)


def _appoint(store: MailStore, mailbox: MailboxRecord, delegate: dict[str, Any]) -> None:
    """Make somebody a delegate, which gives them a level in standard folders."""
    store.put_setting(mailbox.id, "delegates", [delegate])
    for name, level in delegate["levels"].items():
        folder = store.distinguished_folder(mailbox.id, name)
        if folder is not None and level != "None":
            set_level(store, folder, delegate["address"], level)


def _permit(store: MailStore, given: FolderPermissions, known: Set[str]) -> None:
    """Add entries to a folder's permissions, as far as mailbox, folder and people are there."""
    mailbox = store.mailbox(given.mailbox)
    folder = _folder_called(store, mailbox, given.folder) if mailbox is not None else None
    if folder is None:
        return
    added = [Permission(who, level) for who, level in given.entries if who in known or who in (DEFAULT, ANONYMOUS)]
    named = {each.user for each in added}
    before = [each for each in permissions(store, folder).entries if each.user not in named]
    set_permissions(store, folder, [*before, *added], [f"NT User:{each}" for each in given.gone])


def _folder_called(store: MailStore, mailbox: MailboxRecord, name: str) -> FolderRecord | None:
    folder = store.distinguished_folder(mailbox.id, name)
    if folder is not None:
        return folder
    folder = store.distinguished_folder(mailbox.id, "msgfolderroot")
    for part in name.split("/"):
        below = store.children(folder.id) if folder is not None else []
        folder = next((each for each in below if each.name == part), None)
    return folder


def _delegate(firm: Company, row: Mapping[str, Any]) -> dict[str, Any]:
    folders = ("calendar", "tasks", "inbox", "contacts", "notes", "journal")
    return {
        "address": firm.address(row["delegate"]),
        "levels": {folder: row.get(folder, "None") for folder in folders},
        "receive_copies": row.get("receive_copies", False),
        "private_items": row.get("private_items", False),
    }
