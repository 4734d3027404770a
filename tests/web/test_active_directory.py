"""Signing in with the password of a real Active Directory."""

import pytest

from mse_tui.access.grants import give
from mse_tui.store.models import ArchiveMailbox
from tests.directory.conftest import directory, domain_controller, halts, opened, samba, settings
from tests.support.samba.domain import PERSON_PASSWORD
from tests.web.conftest import ATTACHMENT, Browser

__all__ = ["directory", "domain_controller", "halts", "opened", "samba", "settings"]


@pytest.mark.parametrize("name", ["alice", "alice@test.example"])
def test_a_person_of_the_directory_opens_what_was_granted(stubbed, serve, directory, name) -> None:
    stubbed.owner.add(1, attachments=[("plan.pdf", ATTACHMENT)])
    (link,) = stubbed.stub("attachment stub")
    give(ArchiveMailbox.get().id, "alice@test.example", who="a test")
    browser = Browser(serve(directory.accounts))
    refused = browser.submit(browser.look(f"/a/{link}"), user=name, password="not right")
    assert refused.status_code == 401 and "not right" in refused.text
    page = browser.submit(refused, user=name, password=PERSON_PASSWORD)
    assert page.status_code == 200 and "alice@test.example" in page.text
    assert browser.submit(page).content == ATTACHMENT
