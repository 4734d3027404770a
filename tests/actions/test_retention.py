"""Retention as people rule it: limits, holds, and the second person."""

import json

import pytest

from mse_tui.access.roles import Role, Roles, use_roles
from mse_tui.actions import approvals, holds, purging, retention
from mse_tui.actions.definitions import create_definition, set_definition
from mse_tui.actions.holds import NewHold
from mse_tui.actions.retention import RetentionSettings
from mse_tui.archive.approvals import approvals as kept_approvals
from mse_tui.reasons import Problem, Reason
from mse_tui.store.models import ArchiveMailbox, Audit, Definition
from mse_tui.store.retention import RetentionSetting
from mse_tui.terms import TaskType

MGF = TaskType.MANAGED_FOLDERS


@pytest.fixture
def as_user(monkeypatch):
    """Act as another user of this machine."""

    def become(name: str) -> None:
        for module in ("retention", "holds", "approvals", "definitions", "audit"):
            monkeypatch.setattr(f"mse_tui.actions.{module}.who", lambda: name)

    become("ann")
    return become


@pytest.fixture
def mailbox(store) -> ArchiveMailbox:
    return ArchiveMailbox.create(guid="g", address="bob@example.com")


def policies(days: int = 50, **more: object) -> dict[str, object]:
    return {"well_known_folders": [{"folder": "Inbox", "policy": {"archive_purge_after_days": days}}], **more}


@pytest.fixture
def subject(ready, as_user) -> str:
    return f"definition {create_definition(MGF, 'Short', policies())}"


def approved(subject: str) -> bool:
    (row,) = [each for each in approvals.awaiting() if each.subject == subject]
    return row.approved


def actions() -> list[str]:
    return [row.action for row in Audit.select().order_by(Audit.id)]


# --- the second person


def test_only_another_person_approves(subject, as_user):
    for same in ("ann", "root (ann)", "mse-tui (Ann)"):
        as_user(same)
        with pytest.raises(Problem, match="second person"):
            approvals.approve(subject)
    as_user("eve")
    approvals.approve(subject)
    assert approved(subject)
    assert "approve purge" in actions()


def test_neither_does_the_last_editor(subject, as_user):
    as_user("eve")
    set_definition(int(subject.split()[1]), policies(60))
    with pytest.raises(Problem, match="second person"):
        approvals.approve(subject)
    as_user("dan")
    approvals.approve(subject)
    assert approved(subject)


@pytest.mark.parametrize(
    "edit",
    [
        lambda id: set_definition(id, policies(51)),
        lambda id: set_definition(id, name="Shorter"),
        lambda id: set_definition(id, policies(50, max_changes=9)),
        lambda id: Definition.update(settings=json.dumps(policies(51))).where(Definition.id == id).execute(),
        lambda id: Definition.raw(
            "UPDATE definition SET settings = replace(settings, '50', '0') WHERE id = ?", id
        ).execute(),
        lambda id: Definition.raw("UPDATE definition SET name = 'X' WHERE id = ?", id).execute(),
    ],
    ids=["days", "name", "another setting", "the table", "raw SQL", "raw name"],
)
def test_any_edit_by_any_way_voids_the_approval(subject, as_user, edit):
    as_user("eve")
    approvals.approve(subject)
    as_user("ann")
    edit(int(subject.split()[1]))
    assert not approved(subject)


def test_an_edit_that_is_taken_back_does_not_bring_the_approval_back(subject, as_user):
    as_user("eve")
    approvals.approve(subject)
    as_user("ann")
    id = int(subject.split()[1])
    set_definition(id, policies(51))
    set_definition(id, policies(50))
    assert not approved(subject)
    assert kept_approvals() == []


def test_what_was_edited_since_one_looked_is_not_approved(subject, as_user):
    (shown,) = approvals.awaiting()
    set_definition(int(subject.split()[1]), policies(51))
    as_user("eve")
    with pytest.raises(Problem, match="since you looked"):
        approvals.approve(subject, shown.content.digest)
    assert not approved(subject)


def test_as_much_of_a_digest_as_is_shown_names_what_was_looked_at(subject, as_user):
    (shown,) = approvals.awaiting()
    as_user("eve")
    with pytest.raises(Problem, match="too little"):
        approvals.approve(subject, shown.content.digest[:15])
    with pytest.raises(Problem, match="edited"):
        approvals.approve(subject, "f" * 64)
    assert not approved(subject)
    approvals.approve(subject, f" {shown.content.digest[:16].upper()} ")
    assert approved(subject)


def test_an_approval_can_be_withdrawn(subject, as_user):
    as_user("eve")
    approvals.approve(subject)
    approvals.withdraw_approval(subject)
    assert not approved(subject)
    (row,) = kept_approvals(voided=True)
    assert row.voided_because == "withdrawn by eve"


def test_a_definition_that_purges_nothing_has_nothing_to_approve(ready, as_user):
    id = create_definition(MGF, "Delete only", {"default_policy": {"exchange_delete_after_days": 30}})
    as_user("eve")
    with pytest.raises(Problem) as refused:
        approvals.approve(f"definition {id}")
    assert refused.value.reason is Reason.NOT_FOUND


def test_approving_and_lifting_need_the_destructive_role(subject, as_user):
    hold_id = holds.place_hold("Case 7", {})
    as_user("eve")
    use_roles(Roles({Role.DESTRUCTIVE: frozenset({"nobody-has-this-group"})}))
    try:
        for forbidden in (
            lambda: approvals.approve(subject), lambda: holds.lift_hold(hold_id),
            lambda: retention.set_retention({"default_days": 1}), lambda: holds.place_hold("Case 8", {}),
        ):  # fmt: skip
            with pytest.raises(Problem) as refused:
                forbidden()
            assert refused.value.reason is Reason.ROLE_MISSING
    finally:
        use_roles(Roles())
    assert not approved(subject)


# --- settings


def test_a_mailbox_has_what_it_says_itself_and_else_what_the_archive_says(ready, mailbox, as_user):
    retention.set_retention(RetentionSettings(minimum_days=10, default_days=100))
    retention.set_retention({"default_days": 50}, "bob@example.com")
    limits = retention.effective_limits(mailbox.id)
    assert (limits.minimum_days, limits.default_days) == (10, 50)
    assert retention.effective_limits().default_days == 100
    assert actions().count("change retention") == 2


@pytest.mark.parametrize(
    "settings",
    [
        {"minimum_days": 10, "maximum_days": 9}, {"default_days": 9, "minimum_days": 10},
        {"default_days": 11, "maximum_days": 10}, {"minimum_days": -1}, {"default_days": 40_000},
    ],
)  # fmt: skip
def test_settings_that_contradict_themselves_are_refused(ready, settings):
    with pytest.raises(Problem) as refused:
        retention.set_retention(settings)
    assert refused.value.reason is Reason.INVALID
    assert RetentionSetting.select().count() == 0


def test_a_changed_default_has_to_be_approved_again(ready, as_user):
    retention.set_retention({"default_days": 100})
    as_user("eve")
    approvals.approve("archive")
    assert retention.all_settings()[0].approved
    as_user("ann")
    retention.set_retention({"default_days": 99})
    assert not retention.all_settings()[0].approved


def test_a_policy_outside_the_limits_is_refused_when_it_is_saved(ready, as_user):
    retention.set_retention({"minimum_days": 365, "maximum_days": 3650})
    for days in (364, 3651):
        with pytest.raises(Problem) as refused:
            create_definition(MGF, "Wrong", policies(days))
        assert refused.value.reason is Reason.RETENTION_LIMITS
    create_definition(MGF, "Right", policies(365))


def test_a_purge_before_the_view_expires_is_refused(ready, as_user):
    policy = {"archive_purge_after_days": 9, "expire_view_after_days": 10}
    with pytest.raises(Problem, match="comes before"):
        create_definition(MGF, "Wrong", {"default_policy": policy})


# --- holds


def test_holds_are_placed_and_lifted_and_both_are_audited(ready, mailbox, as_user):
    everything = holds.place_hold("Case 1", {})
    holds.place_hold("Case 2", NewHold.model_validate({"mailbox": "bob@example.com"}))
    holds.place_hold("Case 3", {"mailbox": "bob@example.com", "subject": "secret"})
    assert [str(each.scope) for each in holds.all_holds()] == ["archive", "mailbox", "search"]
    as_user("eve")
    holds.lift_hold(everything)
    assert [each.name for each in holds.all_holds()] == ["Case 2", "Case 3"]
    assert next(each for each in holds.all_holds(lifted=True) if each.name == "Case 1").lifted_by == "eve"
    assert actions()[-4:] == ["place hold", "place hold", "place hold", "lift hold"]
    with pytest.raises(Problem, match="in force"):
        holds.lift_hold(everything)


@pytest.mark.parametrize(
    "hold",
    [
        {"mailbox": "nobody@example.com"}, {"message": 7}, {"message": 1, "subject": "x"},
        {"received_from": "2024-02-01T00:00Z", "received_until": "2024-01-01T00:00Z"},
        {"received_from": "2024-02-01T00:00"},
    ],
)  # fmt: skip
def test_a_hold_that_covers_nothing_is_refused(ready, mailbox, hold):
    with pytest.raises(Problem):
        holds.place_hold("Case", hold)
    assert holds.all_holds() == []


def test_nothing_is_set_aside_or_purged_at_first(ready):
    assert purging.quarantined() == purging.purged() == []
