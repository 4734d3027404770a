"""What all tests share: logging, private homes, fresh databases, the shared material, how hard hypothesis looks."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from mse_tui.access.roles import Roles, use_roles
from mse_tui.actions.audit import record_beside
from mse_tui.home import Home
from mse_tui.store.database import close_database, open_database

REPOSITORY = Path(__file__).parents[1]

_SEEDS = {"few": 5, "ci": 20, "soak": 500}
for _profile, _examples in _SEEDS.items():
    settings.register_profile(
        _profile,
        max_examples=_examples,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
    )
settings.load_profile(os.environ.get("MSE_TUI_SEEDS", "few"))


@pytest.fixture(autouse=True)
def _logging_ends_with_the_test() -> Iterator[None]:
    """A command run in this process logs where it was told to and at levels of its own: both end with its test."""
    root = logging.getLogger()
    handlers, level, libraries = root.handlers[:], root.level, _levels()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, _ in _levels().items() ^ libraries.items():
        logging.getLogger(name).setLevel(libraries.get(name, logging.NOTSET))


def _levels() -> dict[str, int]:
    loggers = list(logging.getLogger().manager.loggerDict.items())  # a thread may add one
    return {name: each.level for name, each in loggers if isinstance(each, logging.Logger) and each.level}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A private directory of a site that has never started. What opening one has set for the process ends with it."""
    yield Home.open(tmp_path / "home")
    use_roles(Roles())
    record_beside(None)


@pytest.fixture
def store(home: Home) -> Iterator[Home]:
    """A site's home with a fresh database open in this process."""
    open_database(home.database)
    yield home
    close_database()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The material beside the repository (Microsoft's schemas, sample mail); skips where it is absent."""
    path = REPOSITORY.parent / "shared"
    if not path.is_dir():
        pytest.skip(f"needs the shared material at {path}")
    return path
