"""Links that ask to sign in: by whom they are opened, and how often a password is tried."""

import threading
from urllib.parse import urlsplit

import pytest

from mse_tui.access.grants import give
from mse_tui.reasons import Problem, Reason
from mse_tui.store.models import ArchiveMailbox, Audit, Placement
from mse_tui.store.stubs import StubLink
from mse_tui.web.sessions import Sessions
from mse_tui.web.signing_in import PasswordSignIn, TooOften
from tests.web.conftest import ATTACHMENT, PASSWORD, Browser, People

WRONG = "Nothing can be opened here"


@pytest.fixture
def link(stubbed) -> str:
    """A link to an attachment that asks to sign in."""
    stubbed.owner.add(1, attachments=[("plan.pdf", ATTACHMENT)])
    (found,) = stubbed.stub("attachment stub")
    return found


def signed_in(browser: Browser, link: str, person: str, password: str = PASSWORD):
    """Follow a link and sign in as it asks; the page that this leads to."""
    asked = browser.look(f"/a/{link}")
    assert urlsplit(asked.url).path == "/sign-in" and "Sign in" in asked.text and "plan.pdf" not in asked.text
    return browser.submit(asked, user=person, password=password)


def test_the_owner_signs_in_and_gets_it(link, serve, stubbed) -> None:
    browser = Browser(serve(People()))
    page = signed_in(browser, link, stubbed.owner.address.upper())
    assert page.status_code == 200 and "plan.pdf" in page.text and stubbed.owner.address in page.text
    assert browser.submit(page).content == ATTACHMENT
    entries = {row.action: row for row in Audit.select()}
    assert entries["retrieve"].who == f"{stubbed.owner.address} (web)"
    assert entries["sign in"].subject == stubbed.owner.address and PASSWORD not in entries["sign in"].after
    assert browser.look(f"/a/{link}").status_code == 200


def test_nobody_opens_it_without_signing_in(link, serve) -> None:
    browser = Browser(serve(People()))
    assert "plan.pdf" not in browser.look(f"/a/{link}").text
    other = browser.look("/a/" + "A" * 32)  # gives the browser its cookie
    assert other.status_code == 404
    answer = browser.post(f"{browser.origin}/a/{link}", {"token": "x"}, timeout=30)
    assert answer.status_code == 403
    without = Browser(serve())
    assert without.look(f"/a/{link}").status_code == 404
    assert StubLink.select().where(StubLink.retrievals > 0).count() == 0


def test_a_delegate_gets_what_was_granted_and_others_nothing(link, serve, stubbed) -> None:
    give(ArchiveMailbox.get().id, "dora@x.test", who="a test")
    origin = serve(People())
    assert signed_in(delegate := Browser(origin), link, "dora@x.test").status_code == 200
    stranger = Browser(origin)
    page = signed_in(stranger, link, "sam@x.test")
    assert page.status_code == 404 and WRONG in page.text and "plan.pdf" not in page.text
    assert page.text.replace("sam@x.test", "") != "" and "Sign out" in page.text
    entry = Audit.select().where(Audit.action == "refused retrieval").first()
    assert entry.who == "sam@x.test (web)" and entry.subject == stubbed.owner.address
    Placement.update(sensitivity="private").execute()
    assert delegate.look(f"/a/{link}").status_code == 404


def test_what_is_taken_back_ends_at_once(link, serve) -> None:
    mailbox = ArchiveMailbox.get().id
    give(mailbox, "dora@x.test", who="a test")
    browser = Browser(serve(People()))
    page = signed_in(browser, link, "dora@x.test")
    ready = browser.submit(page)
    assert ready.content == ATTACHMENT
    give(mailbox, "dora@x.test", who="a test", denies=True)
    assert browser.get(ready.url, timeout=30).status_code == 404
    assert browser.submit(page).status_code == 404


def test_signing_out_ends_the_session_for_every_copy_of_its_cookie(link, serve, stubbed) -> None:
    browser = Browser(serve(People()))
    page = signed_in(browser, link, stubbed.owner.address)
    copied = Browser(browser.origin)
    copied.cookies.update(browser.cookies)
    assert "Signed out" in browser.submit(page, 1).text
    for each in (browser, copied):
        assert urlsplit(each.look(f"/a/{link}").url).path == "/sign-in"


def test_a_session_ends_after_its_hours() -> None:
    clock = [0.0]
    sessions = Sessions(2, clock=lambda: clock[0])
    session = sessions.begin("ann@x.test")
    clock[0] = 7199
    assert sessions.person(session) == "ann@x.test" and sessions.person("x") == ""
    clock[0] = 7200
    assert sessions.person(session) == ""


def test_a_wrong_password_is_told_after_a_second_and_leads_nowhere(link, serve) -> None:
    people = People()
    browser = Browser(serve(people))
    page = signed_in(browser, link, "ann@x.test", "wrong")
    assert page.status_code == 401 and "not right" in page.text and page.elapsed.total_seconds() >= 1
    entry = Audit.select().where(Audit.action == "refused sign-in").first()
    assert entry.subject == "ann@x.test" and "wrong" not in entry.after
    assert signed_in(Browser(browser.origin), link, "", "x").status_code == 401 and people.asked == ["ann@x.test"]


@pytest.mark.parametrize("then", ["https://evil.example/", "//evil.example", "/sign-out", "/a/../x", "/a/x\r\nX: y"])
def test_signing_in_leads_to_links_of_ours_only(serve, then) -> None:
    browser = Browser(serve(People()))
    page = browser.get(f"{browser.origin}/sign-in", params={"then": then}, timeout=30)
    landed = browser.submit(page, user="ann@x.test", password=PASSWORD)
    assert landed.url == f"{browser.origin}/"


def test_a_directory_that_is_away_is_our_fault_not_the_persons(link, serve) -> None:
    class Away:
        def address_of(self, user: str, password: str) -> str | None:
            raise Problem(Reason.DIRECTORY_UNREACHABLE, "No directory server answered.")

    page = signed_in(Browser(serve(Away())), link, "ann@x.test")
    assert page.status_code == 503 and "on our side" in page.text and "directory" not in page.text.lower()


def test_a_person_is_tried_only_so_often_however_the_name_is_written(store) -> None:
    people = People()
    signing = PasswordSignIn(people, 3)
    for name in ("ann", "ANN@x.test", "X\\Ann"):
        assert signing.sign_in(name, "wrong", "192.0.2.1") == ""
    with pytest.raises(TooOften):
        signing.sign_in("ann@x.test", PASSWORD, "192.0.2.2")
    assert len(people.asked) == 3
    assert signing.sign_in("bob@x.test", PASSWORD, "192.0.2.1") == "bob@x.test"


def test_the_right_password_begins_the_count_anew(store) -> None:
    signing = PasswordSignIn(People(), 3)
    for _ in range(3):
        assert signing.sign_in("ann@x.test", "wrong", "192.0.2.1") == ""
        assert signing.sign_in("ann@x.test", "wrong", "192.0.2.1") == ""
        assert signing.sign_in("ann@x.test", PASSWORD, "192.0.2.1") == "ann@x.test"


def test_a_client_that_tries_many_names_is_stopped(store) -> None:
    people = People()
    signing = PasswordSignIn(people, 2)
    for number in range(10):
        signing.sign_in(f"user{number}", "wrong", "192.0.2.1")
    with pytest.raises(TooOften):
        signing.sign_in("user11", "wrong", "192.0.2.1")
    assert signing.sign_in("user12@x.test", PASSWORD, "192.0.2.2") == "user12@x.test"


def test_one_name_is_tried_once_at_a_time(store) -> None:
    waiting, go = threading.Event(), threading.Event()

    class Slow:
        def address_of(self, user: str, password: str) -> str | None:
            waiting.set()
            go.wait(10)
            return None

    signing = PasswordSignIn(Slow(), 3)
    first = threading.Thread(target=signing.sign_in, args=("ann", "a", "192.0.2.1"))
    first.start()
    assert waiting.wait(10)
    with pytest.raises(TooOften):
        signing.sign_in("ann", "b", "192.0.2.1")
    go.set()
    first.join()
