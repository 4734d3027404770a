"""Who may do what: each action says which role it needs, for the screens and the command line alike."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator

import pytest

from mse_tui import actions as room
from mse_tui.access import roles
from mse_tui.access.roles import Role, Roles, use_roles
from mse_tui.actions.archive_reading import look_into
from mse_tui.actions.audit import verify
from mse_tui.actions.commands import pause, remove_task, resume, run_now
from mse_tui.actions.definitions import create_definition, set_definition
from mse_tui.actions.opening import open_site
from mse_tui.actions.tasks import create_task, set_task
from mse_tui.archive.packs import Packs
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.terms import TaskType
from tests.actions.conftest import Ready

OPEN_TO_ALL = {
    "needed_for", "require_for", "pruning", "would_go", "refuse_used", "refuse_idle",
    "open_site", "this_site", "packs_of", "mailboxes", "find_mailbox", "audit", "changes", "who", "valid_name",
    "valid_settings", "settings_model", "command_state", "is_running", "answer", "export_text", "plan",
    "mailboxes_with_calendars", "mailbox_of", "zone_of", "refused",
    "settings_of", "effective_limits", "all_settings", "all_holds", "what_it_covers", "awaiting",
    "purge_totals", "quarantined", "purged", "changes_within", "tried", "record_beside", "archived_mailbox",
    "mailbox_address", "ask_engine", "enter",
    "valid_windows", "time_to_come", "told_to_pause", "who_looks", "waits_for", "refuse_passed",
    "are_shown", "look_at_stubs", "only_by_what_is_shown", "shown_stubs", "without_contents", "mailbox_results",
    "all_mailbox_results", "mailbox_result", "failed_items", "shown_progress", "shown_grants",
    "member_address", "going_live", "task_going_live",
    "differences", "own_values", "site_steps", "maintenance_steps", "retention_steps",
}  # fmt: skip
"""Looking at what every viewer sees, and helpers that change nothing by themselves."""
ON_THE_WEB = {"find", "may_open", "offer", "write", "retrieved", "refuse"}
"""Done for whoever holds a link or has signed in: links and access rules decide, not the system's groups."""


@pytest.fixture(autouse=True)
def _roles_end_with_the_test() -> Iterator[None]:
    yield
    use_roles(Roles())


def actions() -> Iterator[tuple[str, Callable[..., object]]]:
    for module in pkgutil.iter_modules(room.__path__, "mse_tui.actions."):
        loaded = importlib.import_module(module.name)
        for name, value in inspect.getmembers(loaded, inspect.isfunction):
            if value.__module__ == module.name and not name.startswith("_"):
                yield name, value


def test_every_action_says_which_role_it_needs() -> None:
    silent = {name for name, action in actions() if not roles.needed(action)}
    assert silent <= OPEN_TO_ALL | ON_THE_WEB


def test_an_operator_runs_tasks_and_takes_nothing_away(ready: Ready, monkeypatch: pytest.MonkeyPatch) -> None:
    task = ready.task()
    monkeypatch.setattr(roles, "groups_of", lambda _: frozenset({"mail"}))
    use_roles(Roles({Role.OPERATOR: frozenset({"mail"}), Role.DESTRUCTIVE: frozenset({"lead"})}))
    run_now(task)
    for refused in (
        lambda: remove_task(task, keep_history=True),
        verify,
        lambda: look_into(1, Packs("/nowhere")),
    ):
        with pytest.raises(Problem) as met:
            refused()
        assert met.value.reason is Reason.ROLE_MISSING
    assert queries.task(task) is not None


def test_a_site_that_is_open_to_look_at_has_viewers_alone(ready: Ready, store: Home) -> None:
    task = ready.task()
    open_site(store, read_only=True)
    assert [role for role in Role if roles.may(role)] == [Role.VIEWER]
    for refused in (lambda: run_now(task), lambda: remove_task(task, keep_history=True), verify):
        with pytest.raises(Problem) as met:
            refused()
        assert met.value.reason is Reason.READ_ONLY
    assert queries.task(task) is not None


def test_looking_alone_needs_the_role_all_the_same(store: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    open_site(store)
    store.config.write_text('[roles]\noperator = ["mail"]\n')
    monkeypatch.setattr(roles, "groups_of", lambda _: frozenset({"users"}))
    open_site(store, read_only=True)
    assert not roles.may(Role.VIEWER)


def test_roles_come_from_the_configuration_whatever_else_is_wrong_with_it(
    store: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.config.write_text('[roles]\noperator = ["mail"]\n[exchange]\nendpoint = 7\n')
    monkeypatch.setattr(roles, "groups_of", lambda _: frozenset({"users"}))
    open_site(store)
    assert not roles.may(Role.VIEWER)


def test_roles_that_cannot_be_read_open_nothing(store: Home) -> None:
    for text in ("[roles]\noperator = mail", '[roles]\noperators = ["mail"]', '[roles]\nviewer = "mail"'):
        store.config.write_text(text)
        with pytest.raises(Problem) as met:
            open_site(store)
        assert met.value.reason is Reason.CONFIGURATION_INVALID


def test_what_takes_mail_away_needs_a_role_of_its_own(ready: Ready, monkeypatch: pytest.MonkeyPatch) -> None:
    stubbing = create_definition(TaskType.STORAGE_MANAGEMENT, "Old mail", {})
    made = {"site_id": ready.site, "task_type": TaskType.STORAGE_MANAGEMENT, "definition_id": stubbing,
            "schedule_id": ready.schedule, "group": "ann@example.com"}  # fmt: skip
    task = create_task("Shrink", **made)
    harmless = ready.task()
    monkeypatch.setattr(roles, "groups_of", lambda _: frozenset({"mail"}))
    use_roles(Roles({Role.OPERATOR: frozenset({"mail"}), Role.DESTRUCTIVE: frozenset({"lead"})}))
    for refused in (
        lambda: create_definition(TaskType.MANAGED_FOLDERS, "Expire", {}),
        lambda: set_definition(stubbing, {"action": "delete"}),
        lambda: create_task("More", **made),
        lambda: set_task(task, schedule_id=ready.schedule),
        lambda: run_now(task),
    ):
        with pytest.raises(Problem) as met:
            refused()
        assert met.value.reason is Reason.ROLE_MISSING
    pause(task)
    with pytest.raises(Problem, match="lacks the role destructive"):
        resume(task)
    run_now(harmless)
