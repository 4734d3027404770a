"""A site's private directory."""

import grp
import os
import stat
from pathlib import Path

import pytest

from mse_tui.home import Home, give_as_directory
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


def _given(path: Path, group: int, configured: str) -> Path:
    path.mkdir()
    (path / "config.toml").write_text(f'[site]\nviewers_group = "{configured}"\n')
    os.chown(path, -1, group)
    path.chmod(0o750)
    return path


def test_the_group_that_the_configuration_names_may_read(tmp_path: Path) -> None:
    own = grp.getgrgid(os.getegid())
    assert not Home.open(_given(tmp_path / "home", own.gr_gid, own.gr_name)).read_only


@pytest.mark.parametrize("configured", ["", "nobody-has-such-a-group"])
def test_no_other_group_may(tmp_path: Path, configured: str) -> None:
    with pytest.raises(Problem) as refused:
        Home.open(_given(tmp_path / "home", os.getegid(), configured))
    assert refused.value.reason is Reason.HOME_UNSAFE


def test_writing_is_never_given_to_a_group(tmp_path: Path) -> None:
    own = grp.getgrgid(os.getegid())
    path = _given(tmp_path / "home", own.gr_gid, own.gr_name)
    path.chmod(0o770)
    with pytest.raises(Problem, match="may be used by others"):
        Home.open(path)


def test_what_is_shared_is_given_to_the_group_alone(home: Home) -> None:
    home.logs.mkdir()
    for path in (home.database, home.config, home.logs / "mse-tui.log", home.path / "exchange.password"):
        path.touch()
    home.share(grp.getgrgid(os.getegid()).gr_name)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.path.rglob("*")}
    assert modes == {
        "mse-tui.db": 0o640, "config.toml": 0o640, "logs": 0o750, "mse-tui.log": 0o640, "exchange.password": 0o600,
    }  # fmt: skip
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o750


def test_what_the_group_has_already_is_not_given_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hardened service may not call chown at all."""
    home.database.touch()
    group = grp.getgrgid(home.path.stat().st_gid).gr_name
    for name in ("chown", "fchown", "lchown"):
        monkeypatch.setattr(os, name, lambda *_: pytest.fail("chown was called"))
    home.share(group)
    assert stat.S_IMODE(home.database.stat().st_mode) == 0o640


@pytest.mark.parametrize(("mode", "given"), [(0o700, 0o600), (0o750, 0o640)])
def test_a_new_file_is_as_readable_as_its_directory(home: Home, mode: int, given: int) -> None:
    home.logs.mkdir()
    home.logs.chmod(mode)
    new = home.logs / "engine.log"
    new.touch()
    give_as_directory(new)
    assert stat.S_IMODE(new.stat().st_mode) == given


def test_a_group_that_is_not_there_is_told(home: Home) -> None:
    with pytest.raises(Problem, match="nobody-has-such-a-group"):
        home.share("nobody-has-such-a-group")


def test_a_closed_directory_on_the_way_is_found(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    home = Home.open(tmp_path / "closed" / "home")
    for above in tmp_path.parents:
        if not above.stat().st_mode & stat.S_IXOTH:
            return  # somebody has closed a directory of this machine further up
    assert home.out_of_reach(grp.getgrgid(os.getegid()).gr_name) == tmp_path / "closed"


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
