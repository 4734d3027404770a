"""Mailbox Permissions Sync: grants follow Exchange, what is given by hand stays, what is not known lets nobody in."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mse_tui.access.grants import WHOLE, FolderKey, changes, give, grants
from mse_tui.access.rights import Origin, Right, Source
from mse_tui.access.sight import sight_of
from mse_tui.access.trustees import Trustee
from mse_tui.directory.trustees import FullAccess, GroupUnknown, People
from mse_tui.features.permissions_definition import PermissionsSyncDefinition
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store.archived import NEVER_ARCHIVED, archive_of, find_archive
from mse_tui.store.database import close_database, open_database
from mse_tui.store.models import ArchiveMailbox
from tests.features.practice_permissions import ANN, FOLDERS, Organisation, address, sync, trustee
from tests.features.replicating import make_task

BOB, EVE = address("bob"), address("eve")


def synced() -> set[tuple[str, str, str, str, bool]]:
    return {
        (each.person, each.path, each.right.value, each.source.value, each.denies)
        for each in grants()
        if each.origin is Origin.SYNCED
    }


def reads(organisation: Organisation, person: str) -> set[str]:
    """The folders that a person may read in the archive."""
    archive = find_archive(organisation.guid)
    if archive == NEVER_ARCHIVED:
        return set()
    sight = sight_of(person, archive)
    return {key for key in FOLDERS if sight.right_in(FolderKey("primary", key)) is Right.READ}


def test_folder_permissions_delegates_and_full_access_become_grants(store: Home) -> None:
    organisation = Organisation(
        folders={"inbox": {"bob": Right.READ, "default": Right.TIMES}, "F1": {"sales": Right.READ, "eve": None}},
        delegates={"dora": {"calendar": "Editor", "inbox": "None"}},
        allowed={"helpdesk", "ann"},
        groups={"sales": {"carl", "eve"}, "helpdesk": {"hugo"}},
    )
    organisation.folders["calendar"] = {}
    journal = sync(organisation)
    assert synced() == organisation.grants() == {
        (BOB, "Inbox", "read", "folder permission", False),
        (address("carl"), "Projects", "read", "folder permission", False),
        (address("dora"), "Calendar", "read", "delegate", False),
        (address("hugo"), "", "read", "full access", False),
    }  # fmt: skip
    assert reads(organisation, BOB) == {"inbox"} and reads(organisation, EVE) == set()
    assert reads(organisation, address("hugo")) == set(FOLDERS)
    assert journal.skipped == {Reason.TRUSTEE_EVERYBODY: 1} and not journal.failures
    assert journal.counts["granted"] == 4 and journal.counts["people_after"] == 4
    (hugo,) = grants(person=address("hugo"))
    assert hugo.via == address("helpdesk") and hugo.granted_by.startswith("task 'permissions")


def test_a_second_run_changes_nothing(store: Home) -> None:
    organisation = Organisation(folders={"inbox": {"bob": Right.READ}}, allowed={"eve"})
    sync(organisation)
    before, told = grants(), changes()
    journal = sync(organisation)
    assert grants() == before and changes() == told
    assert journal.counts["kept"] == 2 and not journal.counts["granted"] + journal.counts["revoked"]


def test_what_exchange_takes_back_is_taken_back_at_once_and_only_that(store: Home) -> None:
    organisation = Organisation(folders={"inbox": {"bob": Right.READ, "eve": Right.READ}})
    sync(organisation)
    archive = find_archive(organisation.guid)
    give(archive, BOB, who="admin", folder=FolderKey("primary", "F1"), path="Projects")
    organisation.folders["inbox"] = {"eve": Right.FOLDER}
    sync(organisation)
    assert reads(organisation, BOB) == {"F1"} and reads(organisation, EVE) == set()
    assert [(each.what, each.person, each.right, each.before) for each in changes(limit=2)] == [
        ("changed", EVE, "folder", "read"), ("revoked", BOB, "read", ""),
    ]  # fmt: skip


def test_deny_wins_over_every_other_way_in(store: Home) -> None:
    organisation = Organisation(
        folders={"inbox": {"bob": Right.READ}}, allowed={"bob", "sales"}, denied={"leavers"},
        groups={"sales": {"bob", "eve"}, "leavers": {"bob"}},
    )  # fmt: skip
    sync(organisation)
    assert reads(organisation, BOB) == set() and reads(organisation, EVE) == set(FOLDERS)
    organisation.denied.clear()
    sync(organisation)
    assert reads(organisation, BOB) == set(FOLDERS)


def test_a_groups_deny_is_about_members_whom_the_group_would_not_let_in_and_about_those_unseen(store: Home) -> None:
    class Leavers(Organisation):
        unseen = 0

        def people(self, asked: Trustee) -> People:
            if asked.address == address("leavers"):
                return People((), asked.address, left_out=(BOB,), unseen=self.unseen)
            return super().people(asked)

    organisation = Leavers(folders={"inbox": {"bob": Right.READ}}, denied={"leavers"})
    assert not sync(organisation).failures
    assert reads(organisation, BOB) == set() and any(each.denies for each in grants())
    organisation.unseen = 1
    organisation.folders["inbox"] = {"eve": Right.READ}
    journal = sync(organisation)
    assert [reason for _, reason, _ in journal.failures] == [Reason.TRUSTEE_UNRESOLVED]
    assert reads(organisation, EVE) == set(), "who is not seen may be Eve"


def test_who_cannot_be_resolved_gets_nothing_and_neither_does_anybody_new(store: Home) -> None:
    organisation = Organisation(folders={"inbox": {"bob": Right.READ, "sales": Right.READ}}, groups={"sales": {"carl"}})
    sync(organisation)
    organisation.silent = {"sales"}
    organisation.folders = {"inbox": {"sales": Right.READ, "eve": Right.READ}}
    journal = sync(organisation)
    assert reads(organisation, BOB) == set(), "what is known to be revoked goes at once"
    assert reads(organisation, address("carl")) == {"inbox"}, "what is not known stays"
    assert reads(organisation, EVE) == set(), "nobody new"
    ((item, reason, _),) = journal.failures
    assert (item, reason) == (address("sales"), Reason.TRUSTEE_UNRESOLVED)
    assert journal.counts["withheld"] == 1
    organisation.silent = set()
    sync(organisation)
    assert reads(organisation, EVE) == {"inbox"}


def test_while_full_access_is_unknown_nobody_new_is_let_in_and_no_deny_is_lifted(store: Home) -> None:
    organisation = Organisation(allowed={"eve"}, denied={"bob"})
    sync(organisation)
    organisation.full_access_known = False
    organisation.folders["inbox"] = {"bob": Right.READ, "carl": Right.READ}
    journal = sync(organisation)
    assert [reason for reason, _ in journal.warnings] == [Reason.FULL_ACCESS_UNKNOWN]
    assert reads(organisation, EVE) == set(FOLDERS) and reads(organisation, address("carl")) == set()
    assert reads(organisation, BOB) == set()


def test_a_site_that_cannot_know_full_access_still_synchronises_folders(store: Home) -> None:
    organisation = Organisation(folders={"inbox": {"bob": Right.READ}})
    journal = sync(organisation, knows_full_access=False)
    assert reads(organisation, BOB) == {"inbox"}
    assert [reason for reason, _ in journal.warnings] == [Reason.FULL_ACCESS_UNKNOWN]
    assert not sync(organisation, knows_full_access=False, full_access=False).warnings


def test_an_account_that_is_gone_loses_what_it_had(store: Home) -> None:
    organisation = Organisation(folders={"inbox": {"bob": Right.READ}})
    sync(organisation)
    organisation.gone = {"bob"}
    journal = sync(organisation)
    assert reads(organisation, BOB) == set() and journal.skipped[Reason.TRUSTEE_UNKNOWN] == 1 and not journal.failures


def test_a_folder_that_cannot_be_read_keeps_what_it_gave(store: Home) -> None:
    organisation = Organisation(folders={"inbox": {"bob": Right.READ}, "F1": {"eve": Right.READ}})
    sync(organisation)
    organisation.unread = {"inbox"}
    organisation.folders = {"inbox": {}, "F1": {}}
    journal = sync(organisation)
    assert reads(organisation, BOB) == {"inbox"} and reads(organisation, EVE) == set()
    assert [(item, reason) for item, reason, _ in journal.failures] == [("Inbox", Reason.ACCESS_DENIED)]
    del organisation.folders["inbox"]
    sync(organisation)
    assert reads(organisation, BOB) == set(), "a folder that is gone gives nothing"


def test_tasks_of_different_sources_leave_each_others_grants_alone(store: Home) -> None:
    organisation = Organisation(folders={"inbox": {"bob": Right.READ}}, allowed={"eve"})
    sync(organisation, full_access=False, delegates=False)
    sync(organisation, folder_permissions=False, delegates=False)
    assert synced() == organisation.grants()
    organisation.folders["inbox"], organisation.allowed = {}, set()
    sync(organisation, folder_permissions=False, delegates=False)
    assert [each.source for each in grants()] == [Source.FOLDER]


def test_groups_are_left_out_where_the_definition_says_so_but_never_out_of_a_deny(store: Home) -> None:
    organisation = Organisation(allowed={"sales"}, denied={"leavers"}, groups={"sales": {"bob"}, "leavers": {"eve"}})
    organisation.folders["inbox"] = {"eve": Right.READ}
    journal = sync(organisation, expand_groups=False)
    assert reads(organisation, BOB) == set() and reads(organisation, EVE) == set()
    assert journal.skipped[Reason.TRUSTEE_GROUP] == 1


@pytest.mark.parametrize(
    ("people", "remain", "cap", "refused"),
    [
        (20, 0, {"max_revocations": 10, "max_revocations_percent": 100}, True),
        (20, 12, {"max_revocations": 10, "max_revocations_percent": 50}, False),
        (20, 8, {"max_revocations": 100, "max_revocations_percent": 50}, True),
        (3, 0, {"max_revocations": 10, "max_revocations_percent": 50}, False),
        (1, 0, {"max_revocations": 0, "max_revocations_percent": 100}, True),
    ],
)
def test_mass_revocation_is_stopped_before_anything_changes(
    store: Home, people: int, remain: int, cap: dict[str, int], refused: bool
) -> None:
    named = {f"p{number}": Right.READ for number in range(people)}
    organisation = Organisation(folders={"inbox": named})
    sync(organisation)
    before = grants()
    organisation.folders["inbox"] = dict(list(named.items())[:remain]) | {"new": Right.READ}
    if not refused:
        sync(organisation, **cap)
        assert len(grants()) == remain + 1
        return
    with pytest.raises(Problem) as met:
        sync(organisation, **cap)
    assert met.value.reason is Reason.TOO_MANY_REVOCATIONS
    assert grants() == before


CAREFUL = {"max_revocations": 10, "max_revocations_percent": 50}


def mailboxes_with(number: int, **settings: object) -> list[Organisation]:
    """So many mailboxes with the same permissions, synchronised."""
    groups = {"sales": {"bob", "eve"}}
    found = [
        Organisation(address=f"m{each}@example.com", groups=groups, folders={"inbox": {}}, **settings)
        for each in range(number)
    ]
    for each in found:
        sync(each, **CAREFUL)
    return found


@pytest.mark.parametrize(("archives", "believed"), [(3, True), (4, False)])
def test_a_group_that_opens_many_archives_is_not_believed_to_be_empty(
    store: Home, archives: int, believed: bool
) -> None:
    organisations = mailboxes_with(archives, allowed={"sales"})
    organisations[0].groups["sales"].clear()
    for each in organisations:
        journal = sync(each, **CAREFUL)
        assert (reads(each, BOB) == set(FOLDERS)) is not believed
        assert [reason for _, reason, _ in journal.failures] == [] if believed else [Reason.TRUSTEE_UNRESOLVED]
    for each in organisations:
        sync(each, max_revocations=10, max_revocations_percent=100)
        assert reads(each, BOB) == set(), "a person has said that it is right"


def test_a_group_that_keeps_out_of_many_archives_is_not_believed_to_be_empty(store: Home) -> None:
    organisations = mailboxes_with(4, allowed={"bob"}, denied={"sales"})
    organisations[0].groups["sales"].clear()
    for each in organisations:
        sync(each, **CAREFUL)
        assert reads(each, BOB) == set()


def test_a_group_that_shrinks_is_followed_at_once(store: Home) -> None:
    organisations = mailboxes_with(5, allowed={"sales"})
    organisations[0].groups["sales"].discard("bob")
    for each in organisations:
        assert not sync(each, **CAREFUL).failures
        assert reads(each, BOB) == set() and reads(each, EVE) == set(FOLDERS)


class Identified(Organisation):
    """Full Access names its trustees by identifiers only, as a security descriptor does."""

    cut_off = False
    members_known = True

    def full_access(self, _address: str) -> FullAccess:
        named = super().full_access(_address)
        return FullAccess(*(tuple(Trustee(sid=each.sid) for each in part) for part in (named.allowed, named.denied)))

    def people(self, asked: Trustee) -> People:
        if self.cut_off:
            raise Problem(Reason.DIRECTORY_UNREACHABLE, "The directory does not answer.")
        name = bytes.fromhex(asked.sid.rpartition("-")[2]).decode()
        if name in self.groups and not self.members_known:
            raise GroupUnknown(Problem(Reason.DIRECTORY_INCOMPLETE, "Some members can't be read."), address(name))
        return super().people(trustee(name))


def test_a_directory_that_fails_after_it_told_identifiers_takes_nothing_away(store: Home) -> None:
    organisation = Identified(allowed={"bob", "sales"}, groups={"sales": {"eve"}})
    sync(organisation)
    organisation.cut_off = True
    journal = sync(organisation)
    assert reads(organisation, BOB) == reads(organisation, EVE) == set(FOLDERS)
    assert {reason for _, reason, _ in journal.failures} == {Reason.TRUSTEE_UNRESOLVED}


def test_a_group_known_by_its_identifier_keeps_what_it_gave_and_the_rest_is_followed(store: Home) -> None:
    organisation = Identified(allowed={"bob", "sales"}, groups={"sales": {"eve"}})
    sync(organisation)
    organisation.members_known = False
    organisation.allowed = {"sales"}
    sync(organisation)
    assert reads(organisation, EVE) == set(FOLDERS) and reads(organisation, BOB) == set()


def test_who_keeps_access_another_way_does_not_count_as_losing_it(store: Home) -> None:
    organisation = Organisation(folders={"inbox": {"bob": Right.READ, "sales": Right.READ}}, groups={"sales": {"bob"}})
    organisation.groups["sales"] = {"bob"}
    organisation.allowed = {"bob"}
    sync(organisation)
    organisation.folders["inbox"] = {}
    sync(organisation, max_revocations=0, max_revocations_percent=0)
    assert reads(organisation, BOB) == set(FOLDERS)


def test_a_dry_run_reports_what_a_run_then_does_and_changes_nothing(store: Home) -> None:
    organisation = Organisation(folders={"inbox": {"bob": Right.READ, "eve": Right.READ}}, allowed={"carl"})
    task = make_task("permissions").id
    first = sync(organisation, task_id=task, dry_run=True)
    assert grants() == [] and ArchiveMailbox.select().count() == 0 and first.counts["granted"] == 3
    assert all(each.dry_run and each.mailbox == ANN for each in changes()) and len(changes()) == 3
    sync(organisation, task_id=task, dry_run=True)
    assert len(changes()) == 3, "a dry run's report takes the place of the one before"
    sync(organisation, task_id=task)
    assert synced() == organisation.grants()


def test_what_is_foreseen_is_what_a_dry_run_counts_and_is_kept_nowhere(store: Home) -> None:
    organisation = Organisation(folders={"inbox": {"bob": Right.READ}}, allowed={"carl"})
    task = make_task("permissions").id
    dry = sync(organisation, task_id=task, dry_run=True)
    reported = changes()
    organisation.folders["inbox"] = {"eve": Right.READ, "dora": Right.READ}
    foreseen = sync(organisation, task_id=task, foreseen=True)
    assert foreseen.counts["granted"] == dry.counts["granted"] + 1 and foreseen.counts["dry_run"] == 1
    assert changes() == reported and grants() == [] and ArchiveMailbox.select().count() == 0
    sync(organisation, task_id=task)
    organisation.folders["inbox"] = {}
    with pytest.raises(Problem) as met:
        sync(organisation, task_id=task, foreseen=True, max_revocations=0, max_revocations_percent=0)
    assert met.value.reason is Reason.TOO_MANY_REVOCATIONS


def test_a_look_and_a_dry_run_name_each_grant_that_would_come_go_or_change(store: Home) -> None:
    organisation = Organisation(folders={"inbox": {"bob": Right.READ, "eve": Right.FOLDER}}, groups={"sales": {"carl"}})
    task = make_task("permissions").id
    assert sync(organisation, task_id=task).would_change == []
    organisation.folders["inbox"] = {"eve": Right.READ}
    organisation.allowed, organisation.denied = {"sales"}, {"dora"}
    expected = [
        ("Inbox", f"{BOB} would be revoked: read, by folder permission."),
        ("Inbox", f"{EVE} would be changed: folder -> read, by folder permission."),
        ("whole archive", "dora@example.com would be granted: a denial, by full access."),
        ("whole archive", "carl@example.com would be granted: read, by full access through sales@example.com."),
    ]
    assert sync(organisation, task_id=task, foreseen=True).would_change == expected
    assert sync(organisation, task_id=task, dry_run=True).would_change == expected


def test_a_definition_that_reads_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="nothing is switched on"):
        PermissionsSyncDefinition(full_access=False, folder_permissions=False, delegates=False)


def test_a_lost_lease_changes_nothing(store: Home) -> None:
    class Lost:
        def check(self) -> None:
            raise Problem(Reason.LEASE_LOST, "Another engine has it.")

    with pytest.raises(Problem):
        sync(Organisation(folders={"inbox": {"bob": Right.READ}}), fence=Lost())
    assert grants() == [] and changes() == []


# --- against a model ---------------------------------------------------------------------------------------------

PEOPLE = ("bob", "eve", "carl", "dora")
GROUPS = ("sales", "leavers")
TRUSTEES = (*PEOPLE, *GROUPS, "ann", "default")
rights = st.none() | st.sampled_from(list(Right))
levels = st.sampled_from(["None", "Reviewer", "Author", "Editor", "Custom"])
named = st.sets(st.sampled_from([*PEOPLE, *GROUPS]), max_size=3)
states = st.fixed_dictionaries(
    {
        "folders": st.dictionaries(
            st.sampled_from(list(FOLDERS)), st.dictionaries(st.sampled_from(TRUSTEES), rights, max_size=4)
        ),
        "delegates": st.dictionaries(
            st.sampled_from([*PEOPLE, "sales"]), st.dictionaries(st.sampled_from(["inbox", "calendar"]), levels)
        ),
        "allowed": named,
        "denied": st.sets(st.sampled_from([*PEOPLE, *GROUPS]), max_size=1),
        "groups": st.fixed_dictionaries({group: st.sets(st.sampled_from([*PEOPLE, "ann"])) for group in GROUPS}),
        "gone": st.sets(st.sampled_from(PEOPLE), max_size=1),
    }
)
troubles = st.fixed_dictionaries(
    {
        "silent": st.sets(st.sampled_from([*PEOPLE, *GROUPS]), max_size=2),
        "unread": st.sets(st.sampled_from(list(FOLDERS)), max_size=1),
        "full_access_known": st.booleans(),
    }
)
by_hand = st.none() | st.tuples(st.sampled_from(PEOPLE), st.sampled_from(["", *FOLDERS]), st.booleans())
_homes = itertools.count()
CALM = {"silent": set(), "unread": set(), "full_access_known": True}


@given(st.lists(st.tuples(states, st.none() | troubles, by_hand), min_size=1, max_size=5))
def test_after_any_history_grants_are_what_exchange_says_and_trouble_lets_nobody_in(tmp_path_factory, history) -> None:
    open_database(Home.open(tmp_path_factory.mktemp("home") / f"{next(_homes)}").database)
    try:
        organisation = Organisation()
        archive = archive_of(organisation.guid, ANN, "Ann")
        for state, trouble, manual in history:
            if manual is not None:
                person, folder, denies = manual
                key = FolderKey("primary", folder) if folder else WHOLE
                give(archive, address(person), who="admin", folder=key, path=folder, denies=denies)
            manual_before = [each for each in grants() if each.origin is Origin.MANUAL]
            before = {person: reads(organisation, address(person)) for person in PEOPLE}
            for name, value in {**state, **(trouble or CALM)}.items():
                setattr(organisation, name, value)
            dry = sync(organisation, dry_run=True)
            assert {person: reads(organisation, address(person)) for person in PEOPLE} == before
            journal = sync(organisation)
            assert dry.counts - journal.counts == {"dry_run": 1} and journal.skipped == dry.skipped
            assert journal.failures == dry.failures and journal.warnings == dry.warnings
            assert [each for each in grants() if each.origin is Origin.MANUAL] == manual_before
            troubled = bool(journal.failures or journal.warnings)
            if not troubled:
                assert synced() == organisation.grants()
                again = sync(organisation)
                assert not again.counts["granted"] + again.counts["revoked"] + again.counts["changed"]
            unknown_trustee = any(reason is Reason.TRUSTEE_UNRESOLVED for _, reason, _ in journal.failures)
            if unknown_trustee or journal.warnings:
                for person in PEOPLE:
                    assert reads(organisation, address(person)) <= before[person]
    finally:
        close_database()
