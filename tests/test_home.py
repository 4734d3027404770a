"""A site's private directory."""

import os
import stat
from pathlib import Path

import pytest

from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason


def test_creates_a_private_directory(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "a" / "b")
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700


def test_files_made_afterwards_are_private(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home")
    home.config.write_text("x")
    assert stat.S_IMODE(home.config.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701, 0o720])
def test_refuses_a_directory_that_others_may_use(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "open"
    path.mkdir()
    path.chmod(mode)
    with pytest.raises(Problem) as refused:
        Home.open(path)
    assert refused.value.reason is Reason.HOME_UNSAFE
    assert f"chmod 700 {path}" in refused.value.remedy


def test_refuses_a_directory_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Home.open(tmp_path / "home")
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(Problem, match="belongs to another user"):
        Home.open(tmp_path / "home")


def test_a_file_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem, match="is not a directory") as refused:
        Home.open(tmp_path / "file")
    assert refused.value.reason is Reason.HOME_UNSAFE


def test_the_option_comes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSE_TUI_HOME", str(tmp_path / "environment"))
    assert Home.open().path == tmp_path / "environment"
    assert Home.open(tmp_path / "option").path == tmp_path / "option"


def test_else_the_users_own_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MSE_TUI_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Home.open().path.is_relative_to(tmp_path)
