"""mse-tui archive backup, and what a backup lets itself be used for."""

import grp
import os
import stat
from pathlib import Path

from mse_tui.home import Home
from mse_tui.store.database import close_database
from tests.cli.conftest import Command

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
