"""What destroys something, or opens something to somebody, asks first; scripts say --yes."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli_w

from mse_tui.actions.archive_access import Asked, grant_access
from mse_tui.actions.definitions import create_definition
from mse_tui.actions.holds import place_hold
from mse_tui.actions.retention import set_retention
from mse_tui.actions.tasks import create_task
from mse_tui.archive.views import mailbox
from mse_tui.cli.main import run
from mse_tui.home import Home
from mse_tui.store.database import close_database, now, open_database
from mse_tui.store.models import Definition, Schedule, Site
from mse_tui.store.retention import PurgeRecord, RetentionSetting
from mse_tui.terms import EXIT_INTERRUPTED, EXIT_USAGE, TaskType
from tests.cli.conftest import Command, Ran
from tests.cli.test_every_command import COMMANDS
from tests.cli.test_what_if import everything
from tests.cli.tree import options_of
from tests.screens.care_seed import seed_retention, seed_stubs
from tests.screens.seed import seed

ANN, EVE, BOB = "ann.lindqvist@fjordline.example", "eve@fjordline.example", "bo.akerman@fjordline.example"
PURGES = {"well_known_folders": [{"folder": "Inbox", "policy": {"archive_purge_after_days": 400}}]}

ASKS: dict[str, tuple[tuple[str, ...], str]] = {
    "access grant": ((EVE, ANN), EVE),
    "access revoke": ((BOB, ANN, "--deny"), BOB),
    "apply": (("site.toml", "--prune"), "Unused"),
    "archive restore": (("3",), "1 message"),
    "definition approve": (("Seven years",), "Seven years"),
    "definition remove": (("Unused",), "Unused"),
    "definition set MGF": (("Tidy", "--no-dry-run"), "Tidy up"),
    "definition set MSM": (("Old", "--older-than-days", "200"), "Old attachments"),
    "hold lift": (("1",), "Case 7"),
    "purge approve": (("Seven years",), "Seven years"),
    "retention approve": ((), "archive"),
    "retention set": (("--minimum-days", "10"), "archive"),
    "schedule remove": (("Idle",), "Idle"),
    "stub rehydrate": (("--all",), ANN),
    "stub revoke": (("--all",), "links"),
    "task set": (("Old attachments", "--definition", "Live"), "Old attachments"),
    "task remove": (("Before the move",), "Before the move"),
}
ELSEWHERE = {
    "purge run": "asks where something is due, which is tried below",
    "site pruning set": "asks where something would go; held by its own tests",
    "task confirm-group": "takes a group that shrank; held by the tests of groups",
}


class Person(io.StringIO):
    """Somebody at a terminal who types this."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """A site with a thing of every kind that can be destroyed or opened, in whose place the tests stand."""
    home = Home.open(tmp_path / "home")
    home.config.write_text('[exchange]\nendpoint = "https://mail.invalid/"\nuser = "svc"\npassword_env = "X"\n')
    open_database(home.database)
    seed(home, engine="")
    seed_stubs()
    seed_retention()
    set_retention({"minimum_days": 365, "default_days": 400})
    place_hold("Case 7", {"mailbox": ANN})
    grant_access(Asked(BOB, mailbox(ANN), denies=True))
    create_definition(TaskType.FOLDER_REPLICATION, "Unused", {})
    create_definition(TaskType.MANAGED_FOLDERS, "Seven years", PURGES)
    create_definition(TaskType.STORAGE_MANAGEMENT, "Live", {"dry_run": False})
    for task_type, name, task, settings in (
        (TaskType.MANAGED_FOLDERS, "Tidy", "Tidy up", {}),
        (TaskType.STORAGE_MANAGEMENT, "Old", "Old attachments", {"dry_run": False}),
    ):
        used = create_definition(task_type, name, settings)
        create_task(task, site_id=Site.get().id, task_type=task_type, definition_id=used,
                    schedule_id=Schedule.get().id, group=ANN)  # fmt: skip
    as_somebody_else_wrote_it()
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> Ran:
        code = run(["--home", str(home.path), *arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    assert command("schedule", "new", "daily", "Idle", "--at", "01:00").code == 0
    text = command("export").out
    Path("site.toml").write_text(text.replace('name = "Unused"', 'name = "Another"', 1), encoding="utf-8")
    yield command
    close_database()


def as_somebody_else_wrote_it() -> None:
    for model in (Definition, RetentionSetting):
        model.update(created_by="carla", modified_by="carla").execute()


def test_every_command_that_takes_a_yes_is_tried_here() -> None:
    assert {path for path in COMMANDS if "--yes" in options_of(COMMANDS[path])} == set(ASKS) | set(ELSEWHERE)


@pytest.mark.parametrize("path", list(ASKS))
def test_nothing_is_done_before_somebody_has_said_yes(
    site: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    arguments, named = ASKS[path]
    before = everything(Home.open(tmp_path / "home"))
    refused = site(*path.split(), *arguments)
    assert refused.code == EXIT_USAGE
    assert named in refused.err and "--yes" in refused.err
    for answer in ("n\n", "\n", ""):
        monkeypatch.setattr(sys, "stdin", Person(answer))
        left = site(*path.split(), *arguments)
        assert left.code == EXIT_INTERRUPTED
        assert named in left.err and "[y/N]" in left.err
        assert left.out == ""
    assert everything(Home.open(tmp_path / "home")) == before


@pytest.mark.parametrize("path", sorted(set(ASKS) - {"archive restore", "stub rehydrate"}))
def test_it_is_done_where_somebody_says_yes(
    site: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    before = everything(Home.open(tmp_path / "home"))
    monkeypatch.setattr(sys, "stdin", Person("y\n"))
    assert site(*path.split(), *ASKS[path][0]).code == 0
    assert everything(Home.open(tmp_path / "home")) != before


@pytest.mark.parametrize("path", sorted(set(ASKS) - {"archive restore", "stub rehydrate"}))
def test_scripts_say_it_beforehand(site: Command, path: str) -> None:
    done = site(*path.split(), *ASKS[path][0], "--yes")
    assert done.code == 0
    assert "--yes" not in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("access", "grant", EVE, ANN, "--deny"),
        ("apply", "site.toml"),
        ("retention", "set", "--minimum-days", "399"),
        ("purge", "run"),
        ("definition", "set", "MSM", "Old", "--older-than-days", "400", "--max-changes", "50", "--link-days", "30"),
        ("definition", "set", "MSM", "Old", "--dry-run", "--older-than-days", "1"),
        ("definition", "set", "MGF", "Seven years", "--no-dry-run"),
    ],
)
def test_what_takes_nothing_away_asks_nothing(site: Command, arguments: tuple[str, ...]) -> None:
    assert site(*arguments).code == 0


@pytest.mark.parametrize(
    "arguments",
    [("hold", "lift", "77"), ("access", "revoke", EVE, ANN), ("stub", "revoke", "77"), ("purge", "approve", "Nothing")],
)
def test_what_is_refused_is_refused_before_anybody_is_asked(
    site: Command, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr(sys, "stdin", Person("y\n"))
    refused = site(*arguments)
    assert refused.code == EXIT_USAGE
    assert "Reason: not-found" in refused.err and "[y/N]" not in refused.err


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"dry_run": False, "older_than_days": 200}, "change what MSM 'Old', which is no dry run"),
        ({"dry_run": False, "folders": ["inbox"]}, "change what MSM 'Old', which is no dry run"),
        ({"dry_run": False, "older_than_days": 400}, ""),
    ],
)
def test_a_text_that_makes_a_live_definition_take_more_asks(
    site: Command, settings: dict[str, object], named: str
) -> None:
    Path("old.toml").write_text(
        tomli_w.dumps({"definition": [{"type": "MSM", "name": "Old", "settings": settings}]}), encoding="utf-8"
    )
    asked = site("apply", "old.toml")
    assert asked.code == (EXIT_USAGE if named else 0)
    assert named.casefold() in asked.err.casefold() and ("Old attachments" in asked.err) is bool(named)
    assert site("apply", "old.toml", "--yes").code == 0


def test_a_text_that_gives_a_task_a_live_definition_asks(site: Command) -> None:
    text = site("export").out.replace('definition = "Tidy"', 'definition = "Thorough"')
    new = '[[definition]]\ntype = "MGF"\nname = "Thorough"\n[definition.settings]\ndry_run = false\n'
    Path("live.toml").write_text(f"{text}\n{new}", encoding="utf-8")
    asked = site("apply", "live.toml")
    assert asked.code == EXIT_USAGE
    assert "Let 'Tidy up' take mail out of mailboxes by MGF 'Thorough'" in asked.err
    assert site("apply", "live.toml", "--yes").code == 0


@pytest.fixture
def purging(site: Command) -> Command:
    """The same, of which nothing is held and all is due after two days, without a quarantine."""
    set_retention({"minimum_days": 1, "default_days": 2, "quarantine_days": 0})
    set_retention({"minimum_days": 1}, ANN)
    as_somebody_else_wrote_it()
    assert site("hold", "lift", "1", "--yes").code == 0
    assert site("retention", "approve", "--yes").code == 0
    return site


def test_a_purge_says_how_much_is_due(purging: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = purging("purge", "run")
    assert refused.code == EXIT_USAGE
    assert "Purge 0 messages for good and set" in refused.err
    monkeypatch.setattr(sys, "stdin", Person("y\n"))
    assert purging("purge", "run").code == 0
    refused = purging("purge", "run", "--json")
    assert refused.code == EXIT_INTERRUPTED and refused.out == ""
    assert "messages for good and set 0 messages aside?" in refused.err


def test_what_is_purged_by_hand_leaves_the_search_index_at_once(purging: Command) -> None:
    before = json.loads(purging("archive", "index", "--json").out)["index"]
    assert purging("purge", "run", "--yes").code == 0
    purged = json.loads(purging("purge", "run", "--yes", "--json").out)["purged"]
    after = json.loads(purging("archive", "search", "ferry", "--json").out)["index"]
    assert purged > 0
    assert (after["messages"], after["words_left"]) == (before["messages"] - purged, 0)


def test_a_list_of_purges_says_that_it_is_the_first_of_many(purging: Command) -> None:
    record = {"size": 1, "mailboxes": "[]", "because": "it was due", "quarantined": now(), "purged": now()}
    PurgeRecord.insert_many([record] * 3).execute()
    assert "The first 2 of 3" in purging("purge", "list", "--done", "--limit", "2").out
    assert "The first" not in purging("purge", "list", "--done").out


def test_the_digest_that_a_list_shows_is_the_one_that_approves(site: Command) -> None:
    (line,) = [each for each in site("purge", "list").out.splitlines() if "Seven years" in each]
    approve = ("purge", "approve", "Seven years", "--yes", "--digest")
    assert "has been edited" in site(*approve, "0" * 16).err
    assert "Give its first 16 characters" in site(*approve, "0").err
    assert site(*approve, line.split()[-1]).code == 0
    (line,) = [each for each in site("purge", "list").out.splitlines() if "default retention" in each]
    assert site("retention", "approve", "--yes", "--digest", line.split()[-1]).code == 0
