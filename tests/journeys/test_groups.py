"""Groups from the command line to the mailboxes: asked of the engine, or answered in the command itself."""

import json

import pytest

from mse_tui.actions.opening import open_site
from mse_tui.cli.main import run
from mse_tui.store import queries
from mse_tui.store.groups import GroupAnswer
from mse_tui.store.models import EngineRequest, Task
from mse_tui.terms import GroupKind, Light

DOMAIN = "nordlicht.example"
GROUP = f"engineering@{DOMAIN}"


@pytest.fixture
def mse_tui(site, capsys):
    """Runs a command on the site; gives exit code, output, errors."""
    open_site(site.home)
    change_group(site, everyone(site))

    def command(*arguments):
        capsys.readouterr()
        code = run(["--home", str(site.home.path), *arguments])
        return code, *capsys.readouterr()

    return command


def test_a_group_is_resolved_without_an_engine_and_by_the_engine_alike(site, mse_tui):
    code, out, err = mse_tui("group", "resolve", GROUP, "--json")
    assert (code, err) == (0, "")
    here = json.loads(out)
    assert here["kind"] == GroupKind.EXCHANGE
    assert len(here["included"]) == 3
    assert not EngineRequest.select().exists()
    with site.engine():
        there = json.loads(mse_tui("group", "resolve", GROUP, "--fresh", "--json")[1])
        assert EngineRequest.select().count() == 1
    assert there["included"] == here["included"]
    assert there["resolved_at"] > here["resolved_at"]


def test_a_line_a_mailbox_says_who_is_skipped_and_why(site, mse_tui):
    code, out, _ = mse_tui("group", "resolve", f"{everyone(site)[0]}; nobody@{DOMAIN}")
    assert code == 1
    assert "1 mailbox; skipped: 1 mailbox-not-found" in out
    assert any("nobody" in line and "skipped" in line and "No mailbox has" in line for line in out.splitlines())
    assert mse_tui("group", "resolve", f"nobody@{DOMAIN}")[0] == 2


def test_groups_are_found_by_the_beginning_of_their_name(mse_tui):
    found = json.loads(mse_tui("group", "find", "engin", "--json")[1])
    assert [group["address"] for group in found] == [GROUP]
    assert mse_tui("group", "find", "zzz")[1] == "No group is found.\n"
    assert "group find" in mse_tui("group", "browse")[1], "Exchange lists no groups"


@pytest.mark.parametrize(
    ("group", "reason"),
    [
        (f"CN=Sales,DC={DOMAIN},DC=example", "directory-missing"),
        ("6f9619ff-8b86-d011-b42d-00c04fc964ff", "directory-missing"),
        ("No such group", "group-not-found"),
    ],
)
def test_what_this_site_cannot_resolve_is_told_with_what_to_do(mse_tui, group, reason):
    code, _, err = mse_tui("group", "resolve", group)
    assert code in (2, 64)
    assert f"Reason: {reason}" in err


def test_a_task_over_a_group_keeps_it_and_shows_who_joined(site, mse_tui):
    task = site.task("Engineering", [GROUP])
    with site.engine():
        (first,) = site.run(task)
        members = [row.address for row in first.results]
        assert members == sorted(everyone(site))
        row = Task.get_by_id(task)
        assert (row.group_kind, row.group_key, row.group_name) == ("exchange", GROUP, "Engineering")
        change_group(site, members[1:])
        assert mse_tui("group", "refresh", "Engineering")[0] == 0
        assert len(json.loads(mse_tui("group", "resolve", "--task", "Engineering", "--json")[1])["included"]) == 2
        (second,) = site.run(task)
    assert queries.execution_group(second.execution.id).departed == (members[0],)
    for shown in (("log", "--execution", str(second.execution.id)), ("task", "show", "Engineering")):
        lines = [line.split() for line in mse_tui(*shown)[1].splitlines()]
        assert ["Left", "1:", members[0]] in lines
        assert ["Run", "before", "3"] in lines


def test_a_shrunk_group_is_confirmed_and_the_task_goes_on(site, mse_tui):
    task = site.task("Engineering", [GROUP])
    assert mse_tui("task", "confirm-group", "Engineering", "--yes")[0] == 64
    with site.engine():
        (first,) = site.run(task)
        change_group(site, [first.results[0].address])
        mse_tui("group", "refresh")
        (stopped,) = site.run(task)
        assert (stopped.execution.light, stopped.execution.reason) == (Light.RED, "group-shrunk")
        assert stopped.results == []
        code, out, err = mse_tui("task", "confirm-group", "Engineering")
        assert code == 64
        assert "Run before" in out
        assert "--yes" in err
        code, out, _ = mse_tui("task", "confirm-group", "Engineering", "--yes")
        assert code == 0
        assert "Confirmed 1 mailbox" in out
        (went_on,) = site.run(task)
        assert went_on.execution.light is Light.GREEN
    assert GroupAnswer.select().where(GroupAnswer.confirmed.is_null(False)).count() == 0


def everyone(site):
    """The first three mailboxes' addresses."""
    return [mailbox.address for mailbox in site.server.store.mailboxes()][:3]


def change_group(site, members):
    """The organisation's administrator leaves these in the group."""
    groups = site.server.store.setting(0, "groups")
    for group in groups:
        if group["address"] == GROUP:
            group["members"] = members
    site.server.store.put_setting(0, "groups", groups)
