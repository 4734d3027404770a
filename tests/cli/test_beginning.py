"""What begins a site, and what finds out that there is none: a mistyped --home is no new site."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from mse_tui.cli.main import mse_tui, run
from mse_tui.store.database import close_database

LOOKS = [
    ["status"], ["engine"], ["doctor"], ["log"], ["audit"], ["task", "list"], ["site", "show"], ["export"],
    ["archive", "ls"], ["task", "run", "Sales"], ["definition", "new", "MFR", "Everything", "--what-if"],
    ["--read-only", "status"],
]  # fmt: skip


@pytest.mark.parametrize("arguments", LOOKS, ids=" ".join)
def test_what_looks_begins_no_site(tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    absent = tmp_path / "mistyped"
    code = run(["--home", str(absent), *arguments])
    told = capsys.readouterr()
    assert code in (2, 64)
    assert f"There is no site at {absent}." in told.out + told.err
    assert "Correct --home or MSE_TUI_HOME" in told.out + told.err
    assert not absent.exists()


def test_an_empty_directory_is_no_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSE_TUI_HOME", str(tmp_path))
    assert run(["status"]) == 64
    assert list(tmp_path.iterdir()) == []


def test_monitoring_does_not_know(tmp_path: Path) -> None:
    told = CliRunner().invoke(mse_tui, ["--home", str(tmp_path / "mistyped"), "check"])
    assert told.exit_code == 3 and "There is no site" in told.output


@pytest.mark.parametrize(
    "arguments", [("definition", "new", "MFR", "Everything"), ("schedule", "new", "daily", "Nightly", "--at", "22:00")]
)
def test_what_creates_something_begins_one(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    for one in (arguments, ("status",)):
        assert run(["--home", str(tmp_path / "new"), *one]) in (0, 3)
    close_database()


def test_so_does_a_configuration(tmp_path: Path) -> None:
    home = tmp_path / "new"
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text('[exchange]\nendpoint = "https://mail.example.com/EWS"\nuser = "svc"\n')
    assert run(["--home", str(home), "status"]) == 3
    assert (home / "mse-tui.db").exists()
    close_database()
