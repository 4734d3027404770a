"""What a removed Permissions Sync task granted: nobody follows it any more, so it goes, or is left knowingly."""

import json

import pytest

from mse_tui.access import grants as access
from mse_tui.access.rights import Origin
from mse_tui.actions import commands
from mse_tui.actions.definitions import create_definition
from mse_tui.actions.opening import open_site
from mse_tui.actions.schedules import create_schedule
from mse_tui.actions.tasks import create_task
from mse_tui.engine.commands import remove
from mse_tui.engine.left_grants import left_by
from mse_tui.home import Home
from mse_tui.store.access import AccessChange, AccessGrant
from mse_tui.store.database import now
from mse_tui.store.models import ArchiveMailbox, Audit, Command, MailboxHealth
from mse_tui.terms import TaskType

ANN, BEN = "ann@example.com", "ben@example.com"
EVERY_DAY = {"zone": "UTC", "timing": {"kind": "daily", "times": {"repeat": "once", "at": "22:00"}}}


class Site:
    """Ann's and Ben's archives, and tasks that follow who may open them."""

    def __init__(self) -> None:
        self.schedule = create_schedule("Nightly", EVERY_DAY)
        self.archives = {each: ArchiveMailbox.create(guid=each, address=each).id for each in (ANN, BEN)}

    def task(self, name: str, *followed: str, **settings: object) -> int:
        definition = create_definition(TaskType.PERMISSIONS_SYNC, name, settings)
        task = create_task(
            name, site_id=1, task_type=TaskType.PERMISSIONS_SYNC, definition_id=definition,
            schedule_id=self.schedule, group="; ".join((ANN, BEN)),
        )  # fmt: skip
        for address in followed:
            MailboxHealth.create(task=task, address=address, execution=1, finished=now(), light="green")
        return task

    def grant(self, owner: str, person: str, by: str, source: str = "full access", *, denies: bool = False) -> None:
        AccessGrant.create(
            mailbox=self.archives[owner], person=person, right="read", denies=denies, since=now(),
            origin="synced" if source else "manual", source=source, granted_by=by,
        )  # fmt: skip


@pytest.fixture
def site(store: Home) -> Site:
    open_site(store)
    return Site()


def in_force() -> list[tuple[str, str, str]]:
    return [(each.mailbox, each.person, each.origin) for each in access.grants()]


def test_what_no_other_task_follows_is_taken_back_and_told(site: Site) -> None:
    going, other = site.task("Going", ANN, BEN), site.task("Other", BEN)
    site.grant(ANN, "eve@example.com", "task 'Going'")
    site.grant(ANN, "bob@example.com", "root", source="")
    site.grant(BEN, "eve@example.com", "task 'Going'")
    assert [each.mailbox for each in left_by(going)] == [ANN]
    command = commands.remove_task(going, keep_history=True)
    assert json.loads(Audit.select().order_by(Audit.id.desc()).first().after)["grants taken back"] == 1
    assert json.loads(Command.get_by_id(command).arguments) == {"keep_history": True}
    remove(going, keep_history=True, now=now(), by="root, removing it")
    assert in_force() == [(ANN, "bob@example.com", Origin.MANUAL), (BEN, "eve@example.com", Origin.SYNCED)]
    (told,) = AccessChange.select()
    assert (told.what, told.mailbox, told.person, told.who) == ("revoked", ANN, "eve@example.com", "root, removing it")
    remove(other, keep_history=True, now=now(), by="root")
    assert in_force() == [(ANN, "bob@example.com", Origin.MANUAL)], (
        "and what the first one had given goes with the last"
    )


def test_the_archive_may_write_an_address_otherwise_than_the_group_does(site: Site) -> None:
    going = site.task("Going", ANN)
    site.task("Other", ANN)
    ArchiveMailbox.update(address="Ann@Example.com").where(ArchiveMailbox.address == ANN).execute()
    site.grant(ANN, "eve@example.com", "task 'Going'", denies=True)
    assert left_by(going) == [], "the other task follows it"


def test_a_task_follows_only_what_it_reads_and_does_not_only_try(site: Site) -> None:
    going = site.task("Going", ANN)
    site.task("Folders", ANN, full_access=False)
    site.task("Trial", ANN, dry_run=True)
    site.grant(ANN, "eve@example.com", "task 'Going'")
    site.grant(ANN, "fay@example.com", "task 'Going'", "folder permission")
    assert [each.person for each in left_by(going)] == ["eve@example.com"]


def test_it_can_be_left_in_force(site: Site) -> None:
    going = site.task("Going", ANN)
    site.grant(ANN, "eve@example.com", "task 'Going'")
    command = commands.remove_task(going, keep_history=True, keep_grants=True)
    assert json.loads(Command.get_by_id(command).arguments) == {"keep_history": True, "keep_grants": True}
    remove(going, keep_history=True, now=now(), keep_grants=True)
    assert in_force() == [(ANN, "eve@example.com", Origin.SYNCED)]


def test_a_deny_that_holds_somebody_back_stays(site: Site) -> None:
    going = site.task("Going", ANN)
    site.grant(ANN, "eve@example.com", "task 'Going'", denies=True)
    site.grant(ANN, "eve@example.com", "root", source="")
    site.grant(ANN, "fay@example.com", "task 'Going'", denies=True)
    remove(going, keep_history=True, now=now(), by="root")
    assert sorted((each.person, each.denies, each.origin) for each in access.grants()) == [
        ("eve@example.com", False, Origin.MANUAL),
        ("eve@example.com", True, Origin.MANUAL),
    ]


def test_a_task_of_another_type_leaves_none(site: Site) -> None:
    definition = create_definition(TaskType.FOLDER_REPLICATION, "Everything", {})
    task = create_task(
        "Mail", site_id=1, task_type=TaskType.FOLDER_REPLICATION, definition_id=definition,
        schedule_id=site.schedule, group=ANN,
    )  # fmt: skip
    site.grant(ANN, "eve@example.com", "task 'Gone long ago'")
    assert left_by(task) == []
