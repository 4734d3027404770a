"""Links in stubs, opened over HTTP."""

import email
import re
from datetime import timedelta

import pytest
import requests

from mse_tui.actions import stub_care
from mse_tui.archive.stub_registry import StubFilter
from mse_tui.cli.main import run
from mse_tui.store.database import now
from mse_tui.store.models import Audit
from mse_tui.store.stubs import StubLink
from mse_tui.web.protection import disposition
from tests.web.conftest import ATTACHMENT, Browser

WRONG = "Nothing can be opened here"


def the_link() -> StubLink:
    """The row of the attachment's link."""
    return StubLink.get(StubLink.part == 0)


@pytest.fixture
def browser(serve) -> Browser:
    return Browser(serve())


def test_a_link_says_what_it_is_and_gives_it_when_asked(open_link, browser) -> None:
    page = browser.look(f"/a/{open_link}")
    assert page.status_code == 200
    for told in ("Plan für Süd.pdf", "application/octet-stream", "25.0 KiB", "anna@x.test", "2024-01-02"):
        assert told in page.text
    assert "Hello." not in page.text and "Message 1" not in page.text
    assert the_link().retrievals == 0 and not Audit.select().where(Audit.action == "retrieve").count()
    file = browser.submit(page)
    assert file.content == ATTACHMENT and file.headers["content-type"] == "application/octet-stream"
    assert file.headers["content-disposition"].startswith('attachment; filename="Plan f_r S_d.pdf"; filename*=UTF-8')
    assert file.headers["x-content-type-options"] == "nosniff" and "sandbox" in file.headers["content-security-policy"]


def test_each_retrieval_is_counted_and_audited(open_link, browser, stubbed) -> None:
    for _ in range(2):
        browser.fetch(open_link)
    link = the_link()
    assert link.retrievals == 2 and link.last_retrieved is not None
    entry = Audit.select().where(Audit.action == "retrieve").order_by(Audit.id.desc()).first()
    assert entry.who == "whoever has the link (web)" and entry.subject == stubbed.owner.address
    assert '"from": "127.0.0.1"' in entry.after and "Plan für Süd.pdf" in entry.after
    assert open_link not in entry.after


def test_whoever_follows_links_without_pressing_gets_nothing(open_link, browser) -> None:
    scanner = requests.Session()
    for _ in range(3):
        assert scanner.get(f"{browser.origin}/a/{open_link}", timeout=30).status_code == 200
        assert scanner.head(f"{browser.origin}/a/{open_link}", timeout=30).content == b""
    assert the_link().retrievals == 0


def _expire(link: str) -> str:
    StubLink.update(expires=now() - timedelta(seconds=1)).execute()
    return link


def _revoke(link: str) -> str:
    assert stub_care.revoke(StubFilter()) == 2
    return link


@pytest.mark.parametrize(
    "spoil",
    [
        lambda link: link[:-1] + ("A" if link[-1] != "A" else "B"),
        lambda link: chr(ord(link[0]) ^ 1) + link[1:],
        lambda link: link[:-3],
        lambda link: link + "A",
        lambda link: "x",
        lambda link: "%00",
        lambda link: "..%2f..%2fetc",
        _expire,
        _revoke,
    ],
)
def test_what_does_not_hold_shows_one_page_and_no_more(open_link, browser, spoil) -> None:
    page = browser.look(f"/a/{spoil(open_link)}")
    unknown = browser.look("/a/" + "A" * 32)
    assert page.status_code == unknown.status_code == 404 and WRONG in page.text
    assert page.text == unknown.text
    assert set(page.headers) == set(unknown.headers)
    assert page.elapsed.total_seconds() > 0.29 and unknown.elapsed.total_seconds() > 0.29


def test_revoking_takes_effect_at_once(open_link, browser, stubbed) -> None:
    page = browser.look(f"/a/{open_link}")
    ready = browser.submit(page)
    assert browser.get(ready.url, timeout=30).content == ATTACHMENT
    assert run(["--home", str(stubbed.home.path), "stub", "revoke", "--all", "--yes"]) == 0
    for answer in (browser.get(ready.url, timeout=30), browser.submit(page), browser.look(f"/a/{open_link}")):
        assert answer.status_code == 404 and WRONG in answer.text


def test_a_file_is_read_in_ranges(open_link, browser) -> None:
    url = browser.fetch(open_link).url
    part = browser.get(url, headers={"Range": "bytes=100-199"}, timeout=30)
    assert part.status_code == 206 and part.content == ATTACHMENT[100:200]
    assert part.headers["content-range"] == f"bytes 100-199/{len(ATTACHMENT)}"
    assert browser.get(url, headers={"Range": "bytes=-10"}, timeout=30).content == ATTACHMENT[-10:]
    assert browser.get(url, headers={"Range": "bytes=25500-"}, timeout=30).content == ATTACHMENT[25500:]
    beyond = browser.get(url, headers={"Range": "bytes=999999-"}, timeout=30)
    assert beyond.status_code == 416
    resumed = browser.get(url, headers={"Range": "bytes=5-9", "If-Range": part.headers["etag"]}, timeout=30)
    assert resumed.content == ATTACHMENT[5:10]
    assert the_link().retrievals == 1


def test_a_file_that_lies_ready_is_for_one_browser(open_link, browser) -> None:
    url = browser.fetch(open_link).url
    assert requests.get(url, timeout=30).status_code == 404
    assert requests.get(url, cookies={"visitor": "x"}, timeout=30).status_code == 404


def test_a_form_counts_only_from_the_browser_and_page_it_was_made_for(open_link, browser) -> None:
    page = browser.look(f"/a/{open_link}")
    url, token = page.url, re.search(r'name="token" value="([^"]*)"', page.text)[1]
    stranger = requests.post(url, {"token": token}, timeout=30)
    assert stranger.status_code == 403 and "open the link again" in stranger.text
    assert browser.post(url, {"token": token[:-1]}, timeout=30).status_code == 403
    assert browser.post(url, timeout=30).status_code == 403
    assert browser.post(url, {"token": token, "more": "x" * 20_000}, timeout=30).status_code == 403
    many = {"token": token, **{f"more{number}": "x" for number in range(30)}}
    assert browser.post(url, many, timeout=30).status_code == 403
    foreign = browser.post(url, {"token": token}, headers={"Sec-Fetch-Site": "cross-site"}, timeout=30)
    assert foreign.status_code == 403
    assert the_link().retrievals == 0
    assert browser.submit(page).content == ATTACHMENT


def test_a_whole_message_is_given_as_it_was_archived(stubbed, serve) -> None:
    stubbed.owner.add(3, size=60_000)
    (original,) = [stubbed.owner.store.content(row) for row in stubbed.owner.store.items(stubbed.owner.folder("inbox"))]
    (link,) = stubbed.stub("full stub", min_message_kib=1)
    StubLink.update(kind="open").execute()
    file = Browser(serve()).fetch(link)
    assert file.content == original and file.headers["content-type"] == "message/rfc822"
    assert email.message_from_bytes(file.content)["Subject"] == "Message 3"
    assert 'filename="Message 3.eml"' in file.headers["content-disposition"]


@pytest.mark.parametrize(
    "name",
    [
        'a"b\\c.pdf',
        "e%20vil.pdf",
        "x\u202egpj.exe",
        "../../etc/passwd",
        "日本語.txt",
        "\u00e4" * 200 + ".txt",
        "CON.txt",
    ],
)
def test_names_never_leave_their_header_or_page(stubbed, serve, name) -> None:
    stubbed.owner.add(1, attachments=[(name, ATTACHMENT)])
    (link,) = stubbed.stub("attachment stub with universal access")
    browser = Browser(serve())
    file = browser.fetch(link)
    given = file.headers["content-disposition"]
    assert file.content == ATTACHMENT
    assert re.fullmatch(r'attachment; filename="[^"\\%\x00-\x1f]+"; filename\*=UTF-8\'\'[A-Za-z0-9._~%-]+', given)
    assert "/" not in given.split("filename", 1)[1].split(";")[0] and "%E2%80%AE" not in given


def test_a_disposition_has_no_room_for_another_header() -> None:
    assert not set("\r\n") & set(disposition("a\r\nSet-Cookie: x"))


def test_markup_in_mail_stays_text(stubbed, serve) -> None:
    stubbed.owner.add(1, attachments=[("<script>alert(1)</script>.html", ATTACHMENT)])
    (link,) = stubbed.stub("attachment stub with universal access")
    page = Browser(serve()).look(f"/a/{link}")
    assert "<script" not in page.text


def test_every_answer_is_protected(open_link, browser) -> None:
    answers = [browser.look(path) for path in (f"/a/{open_link}", "/a/x", "/", "/none", "/sign-in")]
    answers += [requests.get(browser.origin + "/", headers={"Host": "evil.example"}, timeout=30)]
    answers += [requests.delete(f"{browser.origin}/a/{open_link}", timeout=30), browser.fetch(open_link)]
    assert [answer.status_code for answer in answers] == [200, 404, 404, 404, 404, 400, 404, 200]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer" and answer.headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in answer.headers and "server" not in answer.headers
        assert "script" not in answer.headers["content-security-policy"]


def test_a_client_that_asks_too_often_waits(open_link, serve) -> None:
    browser = Browser(serve(requests_per_minute=5))
    codes = [browser.look("/a/x").status_code for _ in range(7)]
    assert codes == [404] * 5 + [429] * 2
    forged = browser.get(f"{browser.origin}/a/x", headers={"X-Forwarded-For": "203.0.113.7"}, timeout=30)
    assert forged.status_code == 429 and forged.headers["retry-after"] == "60"


def test_a_trusted_proxy_says_who_asks(open_link, serve) -> None:
    browser = Browser(serve(requests_per_minute=5, trusted_proxies=("127.0.0.1",)))
    for number in range(8):
        behind = {"X-Forwarded-For": f"203.0.113.{number}", "X-Forwarded-Proto": "https"}
        assert browser.get(f"{browser.origin}/a/x", headers=behind, timeout=30).status_code == 404
    page = browser.look(f"/a/{open_link}")
    browser.headers["X-Forwarded-For"] = "203.0.113.99"
    browser.submit(page)
    entry = Audit.select().where(Audit.action == "retrieve").first()
    assert '"from": "203.0.113.99"' in entry.after


def test_a_link_gives_only_so_often(open_link, serve) -> None:
    browser = Browser(serve(retrievals_per_hour=2))
    assert [browser.fetch(open_link).status_code for _ in range(3)] == [200, 200, 429]
    assert the_link().retrievals == 2


def test_damaged_content_is_not_given(open_link, browser, stubbed) -> None:
    for directory in stubbed.packs.root.iterdir():
        for path in directory.iterdir():
            content = bytearray(path.read_bytes())
            for place in range(100, len(content) - 100, 50):
                content[place] ^= 0x40
            path.write_bytes(content)
    answer = browser.fetch(open_link)
    assert answer.status_code == 503 and "on our side" in answer.text
    assert the_link().retrievals == 0 and list(stubbed.home.downloads.iterdir()) == []


def test_nothing_that_was_fetched_stays_on_disk(open_link, stubbed, serve) -> None:
    Browser(serve()).fetch(open_link)
    (left,) = stubbed.home.downloads.iterdir()
    assert left.stat().st_mode & 0o077 == 0
    serve()  # another one on the same home begins with an empty directory
    assert list(stubbed.home.downloads.iterdir()) == []
