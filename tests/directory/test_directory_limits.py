"""A directory server that cuts answers short, as its administrator told it to: OpenLDAP's, which really does."""

import pytest

from mse_tui.config.directories import ActiveDirectorySettings
from mse_tui.directory.active_directory import ActiveDirectory
from mse_tui.reasons import Problem, Reason
from tests.support.slapd.server import GROUP, PASSWORD, USER, missing, slapd

PEOPLE = 2300


@pytest.fixture
def limited(monkeypatch, halts):
    """Opens a server with limits."""
    if why := missing():
        pytest.skip(f"needs a server that enforces limits: {why}")
    monkeypatch.setenv("MSE_TEST_READER_PASSWORD", PASSWORD)

    def _limited(server):
        settings = ActiveDirectorySettings(
            servers=(f"localhost:{server.port}",),
            user=USER,
            password_env="MSE_TEST_READER_PASSWORD",
            ca_file=server.ca_file,
        )
        return ActiveDirectory(settings, halts)

    return _limited


def test_a_page_limit_does_not_limit_the_answer(limited):
    with slapd(PEOPLE, "size.soft=1000 size.hard=1000 size.pr=1000 size.prtotal=unlimited") as server:
        directory = limited(server)
        found = directory.members(directory.group(GROUP).key)
        directory.close()
    assert len(found.included) == PEOPLE


@pytest.mark.parametrize("limits", ["size.pr=1000 size.prtotal=2000", "size.pr=1000 size.prtotal=1", "size.pr=999"])
def test_an_answer_that_the_server_cuts_is_no_answer(limited, limits):
    with slapd(PEOPLE, limits) as server:
        directory = limited(server)
        key = directory.group(GROUP).key
        with pytest.raises(Problem) as caught:
            directory.members(key)
        directory.close()
    assert caught.value.reason is Reason.DIRECTORY_INCOMPLETE
    assert "cut its answer short" in caught.value.happened and "limits" in caught.value.remedy
