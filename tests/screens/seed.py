"""A believable site, written by the models: what the screens are tested on and photographed with."""

import json
from datetime import UTC, datetime, timedelta

from mse_tui.archive.packs import Packs, seal
from mse_tui.directory.answers import membership_to_keep
from mse_tui.directory.directory import Group, Member, Membership, SkippedEntry
from mse_tui.home import Home
from mse_tui.reasons import Reason
from mse_tui.store.access import AccessGrant
from mse_tui.store.database import now, writing
from mse_tui.store.groups import ExecutionGroup, GroupAnswer
from mse_tui.store.models import (
    ArchiveFolder,
    ArchiveMailbox,
    Definition,
    Execution,
    FolderPlace,
    Lease,
    MailboxHealth,
    MailboxResult,
    Message,
    Pass,
    Placement,
    Progress,
    Schedule,
    Site,
    Task,
    to_micros,
)
from mse_tui.terms import GroupKind

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
"""The moment that the screens are seeded for; give it to the app as its clock."""
SITE_CODE = "K7Q2MZ4P"
PEOPLE = ("ann.lindqvist", "bo.akerman", "carla.moreau", "deniz.yilmaz", "eve.kowalska", "farid.haddad")
DOMAIN = "fjordline.example"

HOSTILE = (
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 [bold]markup[/bold] [@click=app.quit]x[/] \u202eevil\u202c \x9b2J 会議 שלום"
)
"""What a subject may contain: escape sequences, markup, a bidirectional override, wide and right-to-left text."""


def seed(home: Home, *, running: bool = True, engine: str = "engine on mail-tools, pid 4711") -> None:
    """Fill an open, empty database."""
    with writing():
        site = _site(engine)
        schedules = _schedules()
        definitions = _definitions()
        tasks = _tasks(site, schedules, definitions)
        _history(tasks)
        if running:
            _running(tasks["Everyone, nightly"])
    _archive(home, tasks["Everyone, nightly"])


def addresses(count: int = len(PEOPLE)) -> list[str]:
    """The first few people's addresses."""
    return [f"{person}@{DOMAIN}" for person in PEOPLE[:count]]


def _ago(**parts: float) -> datetime:
    return NOW - timedelta(**parts)


def _stamps(days: float = 20) -> dict[str, object]:
    return {
        "created": _ago(days=days), "created_by": "ann", "modified": _ago(days=days / 2), "modified_by": "root (ann)",
    }  # fmt: skip


def _site(engine: str) -> Site:
    site = Site.create(
        code=SITE_CODE,
        description="Fjordline Oslo",
        binding="exchange_server",
        host_name="mail-tools",
        host_os="Debian GNU/Linux 13",
        version="0.1.0",
        created=_ago(days=40),
        last_active=_ago(minutes=1),
    )
    if engine:
        _lease(f"engine:{SITE_CODE}", engine)
    return site


def _lease(key: str, holder: str) -> None:
    Lease.create(key=key, owner="seed", holder=holder, fence=1, until=now() + timedelta(hours=6))


def _schedules() -> dict[str, Schedule]:
    night = {"timing": {"kind": "daily", "times": {"repeat": "once", "at": "22:00"}}, "zone": "Europe/Oslo"}
    office = {
        "timing": {
            "kind": "weekly",
            "days": ["Mon", "Tue", "Wed", "Thu", "Fri"],
            "times": {"repeat": "many", "from": "07:00", "to": "19:00", "every_minutes": 30},
        },
        "zone": "Europe/Oslo",
    }
    once = {"timing": {"kind": "one_off", "at": "2026-04-01T20:00"}, "zone": "Europe/Oslo"}
    named = {"Every night": night, "Office hours": office, "Before the move": once}
    return {
        name: Schedule.create(name=name, settings=json.dumps({**settings, "on_missed": "run_once"}), **_stamps())
        for name, settings in named.items()
    }


def _definitions() -> dict[str, Definition]:
    named = {
        "Everything": {},
        "Without Deleted Items": {"exclude_deleted_items": True, "excluded_folders": ["Projects/Old", "*/Drafts"]},
        "Envelopes only": {"content": "metadata only"},
    }
    return {
        name: Definition.create(type="MFR", name=name, settings=json.dumps(settings), **_stamps())
        for name, settings in named.items()
    }


def _tasks(site: Site, schedules: dict[str, Schedule], definitions: dict[str, Definition]) -> dict[str, Task]:
    rows = (
        ("Everyone, nightly", "Everything", "Every night", addresses(), "green", "Scheduled", 12.5, 4211),
        ("Board, office hours", "Without Deleted Items", "Office hours", addresses(2), "orange", "Scheduled", 0.1, 903),
        ("Shared mailboxes", "Everything", "Every night", [f"support@{DOMAIN}"], "red", "Scheduled", 12.5, 0),
        ("Before the move", "Envelopes only", "Before the move", addresses(4), "none", "Unknown", 730, 0),
    )
    tasks = {}
    for description, definition, schedule, group, light, status, hours, sequence in rows:
        tasks[description] = Task.create(
            description=description,
            site=site,
            type="MFR",
            definition=definitions[definition],
            schedule=schedules[schedule],
            group="; ".join(group),
            light=light,
            status=status,
            sequence=sequence,
            latest_detail="" if status == "Unknown" else f"{len(group)} of {len(group)} mailboxes",
            next_execution=NOW + timedelta(hours=hours),
            **_stamps(),
        )
    return tasks


def _history(tasks: dict[str, Task]) -> None:
    for days in range(12, 0, -1):
        _execution(tasks["Everyone, nightly"], _ago(days=days, hours=11.5), 1260, "green")
    _execution(tasks["Board, office hours"], _ago(hours=1), 42, "green")
    orange = _execution(
        tasks["Board, office hours"], _ago(minutes=30), 61, "orange", message="1 of 2 mailboxes needs attention"
    )
    _group(orange)
    MailboxResult.update(
        light="orange",
        reason="item-corrupt",
        message="1 item could not be read",
        failures=json.dumps(
            [{"item": HOSTILE, "reason": "item-corrupt", "message": "The server could not read this item."}]
        ),
        counters=json.dumps({"folders_seen": 31, "items_seen": 18, "items_added": 17, "failed": 1, "bytes": 812_331}),
    ).where(MailboxResult.execution == orange, MailboxResult.position == 2).execute()
    red = _execution(
        tasks["Shared mailboxes"], _ago(hours=11.4), 3, "red", reason="mailbox-not-found",
        message="1 of 1 mailboxes failed: No mailbox has the address support@fjordline.example.",
    )  # fmt: skip
    MailboxResult.update(
        light="red", reason="mailbox-not-found", message="No mailbox has this address.", counters="{}", skipped="{}"
    ).where(MailboxResult.execution == red).execute()
    for execution, light, address in ((orange, "orange", addresses(2)[1]), (red, "red", f"support@{DOMAIN}")):
        MailboxHealth.create(
            task=execution.task, address=address, execution=execution.id, finished=execution.finished, light=light,
            since_success=1,
        )  # fmt: skip


def _execution(
    task: Task, started: datetime, seconds: float, light: str, *, reason: str = "", message: str = ""
) -> Execution:
    group = str(task.group).split("; ")
    execution = Execution.create(
        task=task,
        task_name=task.description,
        task_type=task.type,
        trigger="schedule",
        started=started,
        finished=started + timedelta(seconds=seconds),
        definition=task.definition.settings,
        mailboxes=len(group),
        processed=len(group),
        light=light,
        reason=reason,
        message=message or f"{len(group)} of {len(group)} mailboxes processed",
    )
    for position, address in enumerate(group, 1):
        seen = 1200 + 37 * position
        MailboxResult.create(
            execution=execution,
            position=position,
            address=address,
            started=started + timedelta(seconds=seconds * (position - 1) / len(group)),
            finished=started + timedelta(seconds=seconds * position / len(group)),
            light="green",
            mode="differential",
            counters=json.dumps(
                {"folders_seen": 22, "items_seen": seen, "items_added": seen - 14, "items_changed": 6, "items_moved": 3,
                 "items_removed": 2, "bytes": seen * 30_517, "submissions": 4}
            ),
            skipped=json.dumps({"private": 5}),
        )  # fmt: skip
    Task.update(last_started=started, last_finished=execution.finished).where(Task.id == task.id).execute()
    return execution


def _group(execution: Execution) -> None:
    """Of Active Directory; one has joined and one has left since the run before."""
    found = Membership(
        tuple(Member(address, address.partition("@")[0].replace(".", " ").title()) for address in addresses(2)),
        (
            SkippedEntry(f"gro.dahl@{DOMAIN}", Reason.MAILBOX_DISABLED, "The account of Gro Dahl is disabled."),
            SkippedEntry("Auditors", Reason.CONTACT, "Auditors is a contact, with a mailbox in another organisation."),
        ),
        execution.started,
        "security group, resolved by Active Directory (dc1)",
        GroupKind.ACTIVE_DIRECTORY,
        Group("5f1c2f0e-90c5-4d9c-a3f5-2f6a8a1b4d11", "Board", f"board@{DOMAIN}", "CN=Board,OU=Groups,DC=fjordline"),
    )
    answer = GroupAnswer.create(
        task=execution.task,
        digest="seed",
        mailboxes=2,
        answer=json.dumps(membership_to_keep(found)),
        resolved=found.resolved_at,
        accepted=found.resolved_at,
    )
    ExecutionGroup.create(
        execution=execution,
        answer=answer,
        kind=found.kind,
        name="Board",
        resolved_by=found.resolved_by,
        resolved=found.resolved_at,
        mailboxes=2,
        before=2,
        joined=json.dumps(addresses(2)[1:]),
        departed=json.dumps([f"ivar.lund@{DOMAIN}"]),
    )
    Task.update(
        group=f"board@{DOMAIN}",
        group_kind=found.kind,
        group_key="5f1c2f0e-90c5-4d9c-a3f5-2f6a8a1b4d11",
        group_name="Board",
    ).where(Task.id == execution.task).execute()


def _running(task: Task) -> None:
    started = _ago(minutes=7)
    execution = Execution.create(
        task=task,
        task_name=task.description,
        task_type=task.type,
        trigger="run now",
        asked_by="ann",
        started=started,
        definition=task.definition.settings,
        mailboxes=6,
        processed=2,
    )
    for position, address in enumerate(addresses(2), 1):
        MailboxResult.create(
            execution=execution,
            position=position,
            address=address,
            started=started,
            finished=started + timedelta(minutes=position),
            light="green",
            mode="differential",
            counters=json.dumps({"items_seen": 412, "items_added": 12, "bytes": 366_000}),
        )
    MailboxResult.create(
        execution=execution, position=3, address=f"carla.moreau@{DOMAIN}", started=_ago(seconds=40), mode="differential"
    )
    Task.update(
        status="Running", last_started=started, latest_detail="3 of 6 mailboxes: carla.moreau@fjordline.example"
    ).where(Task.id == task.id).execute()
    Progress.create(
        task=task,
        execution=execution.id,
        address=f"carla.moreau@{DOMAIN}",
        position=3,
        total=6,
        phase="items",
        folder="Inbox/Prosjekter/Åpen",
        items=4312,
        expected=9800,
        bytes=128_400_000,
        mailbox_started=_ago(seconds=40),
        updated=NOW,
        paces=json.dumps([12, 40, 88, 110, 131, 118, 0, 0, 35, 140, 152, 131, 108]),
    )
    _lease(f"task:{task.id}", "Everyone, nightly on mail-tools")


# --- the archive -------------------------------------------------------------------------------------------------


def mime(number: int, subject: str) -> bytes:
    """A small message with an attachment."""
    return (
        f"From: Bo Akerman <bo.akerman@{DOMAIN}>\r\nTo: Ann Lindqvist <ann.lindqvist@{DOMAIN}>\r\n"
        f"Subject: {subject}\r\nMessage-ID: <{number}@{DOMAIN}>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        f"Dear Ann,\r\n\r\nthe figures of week {number} are attached. The ferry to Bergen takes the freight on Tuesday;"
        " the rest waits for the next one, as agreed with the harbour office.\r\n\r\nKind regards\r\nBo\r\n"
        '--b\r\nContent-Type: text/csv; name="figures.csv"\r\n'
        'Content-Disposition: attachment; filename="figures.csv"\r\n\r\nweek,tons\r\n1,2\r\n--b--\r\n'
    ).encode()


def _archive(home: Home, task: Task) -> None:
    folders = ("Inbox", "Inbox/Prosjekter", "Inbox/Prosjekter/Åpen", "Sent Items", "Deleted Items", "会議")
    stamp = to_micros(_ago(days=12))
    contents = [mime(number, f"Figures, week {number}") for number in range(1, 41)]
    packs = Packs(home.archive)
    with packs.writer() as writer:
        stored = [writer.add(content) for content in contents]
        sealed = writer.finish()
    with writing():
        assert sealed is not None
        seal(sealed)
        for person in PEOPLE[:3]:
            mailbox = ArchiveMailbox.create(
                guid=f"guid-{person}",
                address=f"{person}@{DOMAIN}",
                display_name=person.replace(".", " ").title(),
            )
            Pass.create(
                task=task, mailbox=mailbox, stamp=to_micros(_ago(hours=11.2)), began=to_micros(_ago(hours=11.5)),
                mode="differential", completed=True,
            )  # fmt: skip
            made = _folders(mailbox, folders, stamp)
            if person == PEOPLE[0]:
                _messages(made, contents, [one.sha256 for one in stored], stamp)
                _access(mailbox)


def _access(mailbox: ArchiveMailbox) -> None:
    """An assistant with the Inbox, a group with everything, one who is kept out, one let in by hand."""
    since = _ago(days=11)
    for who, path, denies, origin, source, via in (
        ("bo.akerman", "Inbox", False, "synced", "folder permission", ""),
        ("help.desk", "", False, "synced", "full access", f"helpdesk@{DOMAIN}"),
        ("former.colleague", "", True, "synced", "full access", ""),
        ("auditor", "Inbox/Prosjekter", False, "manual", "", ""),
    ):
        AccessGrant.create(
            mailbox=mailbox, person=f"{who}@{DOMAIN}", area="primary" if path else "", remote_id=path, folder=path,
            below=origin == "manual", right="read", denies=denies, origin=origin, source=source, via=via, since=since,
            granted_by="root" if origin == "manual" else "task 'Permissions'",
        )  # fmt: skip


def _folders(mailbox: ArchiveMailbox, paths: tuple[str, ...], stamp: int) -> dict[str, ArchiveFolder]:
    made: dict[str, ArchiveFolder] = {}
    top = ArchiveFolder.create(mailbox=mailbox, area="primary", remote_id="top", distinguished="msgfolderroot")
    FolderPlace.create(folder=top, parent=None, name="Top of Information Store", opened=stamp)
    for path in paths:
        parent, _, name = path.rpartition("/")
        made[path] = ArchiveFolder.create(
            mailbox=mailbox, area="primary", remote_id=path, distinguished="", folder_class="IPF.Note"
        )
        FolderPlace.create(folder=made[path], parent=made.get(parent, top), name=name, opened=stamp)
    return made


def _messages(folders: dict[str, ArchiveFolder], contents: list[bytes], hashes: list[bytes], stamp: int) -> None:
    gone = to_micros(_ago(days=2))
    for number, (content, sha256) in enumerate(zip(contents, hashes, strict=True), 1):
        message = Message.create(
            sha256=sha256,
            size=len(content),
            internet_message_id=f"<{number}@{DOMAIN}>",
            subject=HOSTILE if number == 40 else f"Figures, week {number}",
            sender=f"bo.akerman@{DOMAIN}",
            recipients="Ann Lindqvist",
            sent=_ago(days=80 - 2 * number),
            has_attachments=True,
        )
        moved = number == 39
        places = [("Inbox", stamp, gone if moved else None)]
        if moved:
            places.append(("Inbox/Prosjekter/Åpen", gone, None))
        for path, opened, closed in places:
            Placement.create(
                folder=folders[path],
                remote_id=f"{path} {number}",
                message=message,
                change_key="a",
                item_class="IPM.Note",
                received=_ago(days=80 - 2 * number),
                is_read=number < 36,
                flag="Flagged" if number == 38 else "NotFlagged",
                opened=opened,
                closed=closed,
            )
