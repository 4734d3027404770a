"""mse-tui archive backup, and what a backup lets itself be used for."""

import grp
import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from mse_tui.access import roles
from mse_tui.home import Home
from mse_tui.store.database import close_database
from mse_tui.terms import EXIT_USAGE
from tests.cli.conftest import Command
from tests.cli.test_archive_as import ANN, Site

_CONFIGURATION = """
[site]
viewers_group = "{group}"

[exchange]
endpoint = "https://localhost/EWS"
user = "service"
password_env = "UNUSED"
"""


def test_a_backup_is_only_looked_at_until_it_is_made_a_site(with_task: Command, home: Home, tmp_path: Path) -> None:
    home.config.write_text(_CONFIGURATION.format(group=grp.getgrgid(os.getgid()).gr_name))
    backup = tmp_path / "backup"
    assert with_task("archive", "backup", str(backup)).code == 0
    close_database()
    before = {path: path.read_bytes() for path in backup.rglob("*") if path.is_file()}

    looked = with_task("--home", str(backup), "task", "list")
    assert (looked.code, "Sales" in looked.out) == (0, True)
    for command in (("engine",), ("web",), ("task", "run", "Sales"), ("archive", "backup", str(tmp_path / "another"))):
        refused = with_task("--home", str(backup), *command)
        assert (refused.code, "Reason: read-only" in refused.err) == (2, True), (command, refused)
        assert "mse-tui.backup" in refused.err
    assert {path: path.read_bytes() for path in backup.rglob("*") if path.is_file()} == before
    assert stat.S_IMODE(backup.stat().st_mode) == 0o700
    assert stat.S_IMODE((backup / "mse-tui.db").stat().st_mode) == 0o600

    (backup / "mse-tui.backup").unlink()
    assert with_task("--home", str(backup), "task", "run", "Sales").code == 0


@pytest.fixture
def backup(home: Home, mse_tui: Command, tmp_path: Path) -> Path:
    """The backup of a site that has Ann's mail, and whose archive lies elsewhere by its configuration."""
    Site(home)
    elsewhere = home.archive.rename(tmp_path / "packs")
    home.config.write_text(_CONFIGURATION.format(group="") + f'[archive]\ndirectory = "{elsewhere}"\n')
    made = tmp_path / "backup"
    assert mse_tui("archive", "index").code == 0
    assert mse_tui("archive", "backup", str(made)).code == 0
    close_database()
    shutil.rmtree(elsewhere)
    return made


def looks(backup: Path) -> list[tuple[str, str]]:
    lines = (backup / "mse-tui.looks").read_text(encoding="utf-8").splitlines()
    return [(entry["action"], entry["subject"]) for entry in map(json.loads, lines) if entry["who"] and entry["moment"]]


def test_mail_is_read_in_a_backup_as_it_lies_there(backup: Path, mse_tui: Command, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in backup.rglob("*") if path.is_file()}
    listed = mse_tui("--home", str(backup), "archive", "ls", ANN, "Sent Items", "--json")
    (message,) = json.loads(listed.out)
    shown = mse_tui("--home", str(backup), "archive", "cat", str(message["placement_id"]))
    assert (shown.code, "Subject: " in shown.out) == (0, True)
    target = tmp_path / "eml"
    assert mse_tui("--home", str(backup), "archive", "export", ANN, "Sent Items", "--eml", str(target)).code == 0
    assert list(target.rglob("*.eml"))
    assert mse_tui("--home", str(backup), "audit").code == 0
    after = {path: path.read_bytes() for path in backup.rglob("*") if path.is_file()}
    assert after.pop(backup / "mse-tui.looks")
    assert after == before
    assert stat.S_IMODE((backup / "mse-tui.looks").stat().st_mode) == 0o600
    assert {action for action, _ in looks(backup)} == {"look into archive", "read message", "export"}
    for command in (("archive", "restore", "1", "--yes"), ("archive", "index"), ("hold", "place", "Case 7")):
        assert "Reason: read-only" in mse_tui("--home", str(backup), *command).err


def test_a_backup_is_searched_where_the_index_is_there(backup: Path, mse_tui: Command, home: Home) -> None:
    without = mse_tui("--home", str(backup), "archive", "search", "harbour")
    assert without.code == EXIT_USAGE
    assert "no search index" in without.err and "search.db" in without.err
    assert not (backup / "search.db").exists()
    shutil.copy2(home.search_index, backup / "search.db")
    found = mse_tui("--home", str(backup), "archive", "search", "sent")
    assert (found.code, "Sent Items" in found.out) == (0, True), found
    assert ("search archive", "all mailboxes") in looks(backup)
    assert not (backup / "search.db-wal").exists()


def test_no_mail_is_read_in_a_backup_where_the_look_can_t_be_recorded(backup: Path, mse_tui: Command) -> None:
    (backup / "mse-tui.looks").mkdir()
    refused = mse_tui("--home", str(backup), "archive", "ls", ANN)
    assert (refused.code, refused.out) == (2, "")
    assert "are recorded in" in refused.err and "Copy the backup" in refused.err


def test_roles_hold_in_a_backup(backup: Path, mse_tui: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    with (backup / "config.toml").open("a", encoding="utf-8") as config:
        config.write('[roles]\nviewer = ["helpdesk"]\nauditor = ["compliance"]\n')
    monkeypatch.setattr(roles, "groups_of", lambda _: frozenset({"helpdesk"}))
    assert "Reason: role-missing" in mse_tui("--home", str(backup), "archive", "ls", ANN).err
    monkeypatch.setattr(roles, "groups_of", lambda _: frozenset({"compliance"}))
    assert mse_tui("--home", str(backup), "archive", "ls", ANN).code == 0
