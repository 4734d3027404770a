"""A real Active Directory (Samba's) and the product's view of it."""

from collections.abc import Callable, Iterator

import pytest

from mse_tui.config.directories import ActiveDirectorySettings
from mse_tui.directory.active_directory import ActiveDirectory
from tests.exchange.canned import Halts
from tests.support.samba.domain import SERVICE_PASSWORD, SERVICE_USER, Domain, domain, missing

PASSWORD_VARIABLE = "MSE_TEST_DIRECTORY_PASSWORD"

Opened = Callable[..., ActiveDirectory]


@pytest.fixture(scope="session")
def samba() -> None:
    """Skips where no domain controller can be started."""
    if why := missing():
        pytest.skip(f"needs a real Active Directory: {why}")


@pytest.fixture(scope="session")
def domain_controller(samba: None) -> Iterator[Domain]:
    """A domain with Exchange's attributes, shared by the tests: read it, change nothing."""
    with domain("exchange") as served:
        yield served


@pytest.fixture(scope="session")
def spare_domain_controller(samba: None) -> Iterator[Domain]:
    """A domain controller to change (each test other objects), to stop and to certify (each test starts it again)."""
    with domain("exchange") as served:
        yield served


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ActiveDirectorySettings]:
    """Settings for domain controllers, with the right password unless told otherwise."""
    monkeypatch.setenv(PASSWORD_VARIABLE, SERVICE_PASSWORD)

    def _settings(*served: Domain, **more: object) -> ActiveDirectorySettings:
        plain = more.get("encryption", "ldaps") != "ldaps"
        values = {
            "servers": tuple(f"localhost:{one.ldap_port if plain else one.ldaps_port}" for one in served),
            "user": SERVICE_USER,
            "password_env": PASSWORD_VARIABLE,
            "ca_file": served[0].ca_file if served else None,
            "timeout_seconds": 10,
            **more,
        }
        return ActiveDirectorySettings.model_validate(values)

    return _settings


@pytest.fixture
def halts() -> Halts:
    """A memory of refused accounts."""
    return Halts()


@pytest.fixture
def opened(settings, halts) -> Iterator[Opened]:
    """Opens the directory of domain controllers; closed at the end."""
    all_opened = []

    def _opened(*served: Domain, **more: object) -> ActiveDirectory:
        all_opened.append(ActiveDirectory(settings(*served, **more), halts))
        return all_opened[-1]

    yield _opened
    for one in all_opened:
        one.close()


@pytest.fixture
def directory(domain_controller: Domain, opened: Opened) -> ActiveDirectory:
    """The shared domain."""
    return opened(domain_controller)
