"""Signing in at the practice organisation's cloud by OpenID Connect: real codes, real signatures."""

import re
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from mse_tui.config.web import OpenIdSettings
from mse_tui.reasons import Problem, Reason
from mse_tui.sandbox.server import SandboxServer
from mse_tui.store.models import Audit
from mse_tui.store.stubs import StubLink
from mse_tui.web.openid import BACK, OpenIdSignIn
from tests.web.conftest import ATTACHMENT, PUBLIC_URL, Browser

SECRET_VARIABLE = "MSE_TUI_TEST_OPENID_SECRET"
VISITOR = "a browser"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """The practice organisation's cloud, over HTTPS; also the server that the mailbox lies on."""
    with SandboxServer(tmp_path_factory.mktemp("cloud"), people=1, messages=1, tls=True) as running:
        people = running.cloud.tokens.people
        people.redirects[running.cloud.application.client_id] = {PUBLIC_URL + BACK}
        yield running


@pytest.fixture
def issue(cloud, monkeypatch):
    """Makes sign-ins at the cloud, with settings that are right but for the changes."""
    people, key = cloud.cloud.tokens.people, cloud.cloud.tokens.people.signing_key
    monkeypatch.setenv(SECRET_VARIABLE, cloud.cloud.application.secret)
    people.more_claims = {}

    def _issue(**changes) -> OpenIdSignIn:
        given = {
            "issuer": f"{cloud.origin}/{cloud.cloud.tenant_id}/v2.0",
            "client_id": cloud.cloud.application.client_id,
            "secret_env": SECRET_VARIABLE,
            "ca_file": cloud.ca_file,
        }
        return OpenIdSignIn(OpenIdSettings.model_validate({**given, **changes}), PUBLIC_URL)

    yield _issue
    people.signing_key, people.more_claims = key, {}


def person(cloud) -> tuple[str, str]:
    return cloud.addresses[0], cloud.password(cloud.addresses[0])


def signed_in_there(cloud, address: str, user: str, password: str, **more: str) -> str:
    """Sign in on the cloud's page; the address that it leads back to, '' where it leads nowhere."""
    there = requests.Session()
    there.trust_env, there.verify = False, str(cloud.ca_file)
    assert "Account" in there.get(address, timeout=30).text
    form = {"loginfmt": user, "passwd": password, **more}
    return there.post(address, form, timeout=30, allow_redirects=False).headers.get("location", "")


def answer_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def test_a_person_signs_in_there_and_gets_what_is_theirs(store, cloud, issue, stubbed, serve) -> None:
    stubbed.owner.add(1, attachments=[("plan.pdf", ATTACHMENT)])
    (link,) = stubbed.stub("attachment stub")
    user, password = person(cloud)
    cloud.cloud.tokens.people.more_claims = {"email": stubbed.owner.address.upper()}
    browser = Browser(serve(openid=issue()))
    page = browser.look(f"/a/{link}")
    assert urlsplit(page.url).path == "/sign-in" and "plan.pdf" not in page.text
    there = re.search(r'href="([^"]*)"', page.text)[1].replace("&amp;", "&")
    started = browser.get(browser.origin + there, timeout=30, allow_redirects=False)
    back = signed_in_there(cloud, started.headers["location"], user, password)
    assert back.startswith(PUBLIC_URL + BACK)
    landed = browser.look(back.removeprefix(PUBLIC_URL))
    assert landed.status_code == 200 and "plan.pdf" in landed.text and stubbed.owner.address in landed.text
    assert browser.submit(landed).content == ATTACHMENT
    assert browser.look(back.removeprefix(PUBLIC_URL)).status_code == 404  # replayed
    assert Audit.select().where(Audit.action == "retrieve").get().who == f"{stubbed.owner.address} (web)"
    assert StubLink.get(StubLink.part == 0).retrievals == 1


def test_a_state_is_good_once_and_in_its_own_browser(store, cloud, issue) -> None:
    signing, (user, password) = issue(), person(cloud)
    answer = answer_of(signed_in_there(cloud, signing.start(VISITOR, "/a/x"), user, password))
    assert signing.finish("another browser", answer, "192.0.2.1") == ("", "")
    assert signing.finish(VISITOR, answer, "192.0.2.1") == ("", "")
    answer = answer_of(signed_in_there(cloud, signing.start(VISITOR, "/a/x"), user, password))
    assert signing.finish(VISITOR, {**answer, "iss": "https://elsewhere.example"}, "192.0.2.1") == ("", "")
    answer = answer_of(signed_in_there(cloud, signing.start(VISITOR, "/a/x"), user, password))
    assert signing.finish(VISITOR, answer, "192.0.2.1") == (user, "/a/x")
    assert signing.finish(VISITOR, answer, "192.0.2.1") == ("", "")


def test_who_is_refused_or_gives_up_there_is_nobody_here(store, cloud, issue) -> None:
    signing, (user, password) = issue(), person(cloud)
    assert signed_in_there(cloud, signing.start(VISITOR, "/a/x"), user, "wrong") == ""
    answer = answer_of(signed_in_there(cloud, signing.start(VISITOR, "/a/x"), user, password, cancel="1"))
    assert answer["error"] == "access_denied" and signing.finish(VISITOR, answer, "192.0.2.1") == ("", "")


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"iss": "https://elsewhere.example"},
        {"nonce": "another"},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
    ],
)
def test_an_identity_that_is_not_for_this_sign_in_is_refused(store, cloud, issue, claims) -> None:
    signing = issue()
    cloud.cloud.tokens.people.more_claims = claims
    answer = answer_of(signed_in_there(cloud, signing.start(VISITOR, "/a/x"), *person(cloud)))
    with pytest.raises(Problem) as caught:
        signing.finish(VISITOR, answer, "192.0.2.1")
    assert caught.value.reason is Reason.RESPONSE_BROKEN and "secret" not in caught.value.happened


@pytest.mark.parametrize("claims", [{"email": None}, {"email": "no address"}, {"email_verified": False}, {"email": 7}])
def test_an_identity_without_an_address_to_rely_on_is_nobody(store, cloud, issue, claims) -> None:
    signing = issue()
    cloud.cloud.tokens.people.more_claims = claims
    answer = answer_of(signed_in_there(cloud, signing.start(VISITOR, "/a/x"), *person(cloud)))
    assert signing.finish(VISITOR, answer, "192.0.2.1")[0] == ""
    assert Audit.select().where(Audit.action == "refused sign-in").exists()


def test_signatures_are_checked_and_changed_keys_fetched_anew(store, cloud, issue) -> None:
    signing, people, (user, password) = issue(), cloud.cloud.tokens.people, person(cloud)
    for _ in range(2):
        answer = answer_of(signed_in_there(cloud, signing.start(VISITOR, "/a/x"), user, password))
        assert signing.finish(VISITOR, answer, "192.0.2.1")[0] == user
        people.signing_key = rsa.generate_private_key(65537, 2048)
    keys = people.keys()
    forged = rsa.generate_private_key(65537, 2048)
    people.signing_key = forged
    answer = answer_of(signed_in_there(cloud, signing.start(VISITOR, "/a/x"), user, password))
    type(people).keys, real = lambda _: keys, type(people).keys
    try:
        with pytest.raises(Problem):
            signing.finish(VISITOR, answer, "192.0.2.1")
    finally:
        type(people).keys = real


def test_a_code_is_of_no_use_without_its_verifier(cloud, issue) -> None:
    address = issue().start(VISITOR, "/a/x")
    assert "code_challenge_method=S256" in address
    code = answer_of(signed_in_there(cloud, address, *person(cloud)))["code"]
    application = cloud.cloud.application
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": PUBLIC_URL + BACK,
        "client_id": application.client_id, "client_secret": application.secret, "code_verifier": "x" * 43,
    }  # fmt: skip
    token = f"{cloud.origin}/{cloud.cloud.tenant_id}/oauth2/v2.0/token"
    stolen = requests.post(token, form, verify=str(cloud.ca_file), timeout=30)
    assert stolen.status_code == 400 and stolen.json()["error"] == "invalid_grant"


def test_the_practice_cloud_leads_nobody_to_where_it_was_not_told(cloud, issue) -> None:
    address = urlsplit(issue().start(VISITOR, "/a/x"))
    asked = answer_of(address.geturl()) | {"redirect_uri": "https://evil.example/"}
    answer = requests.get(
        address._replace(query=urlencode(asked)).geturl(), verify=str(cloud.ca_file), timeout=30, allow_redirects=False
    )
    assert answer.status_code == 400 and "location" not in answer.headers


def test_an_issuer_that_is_not_there_or_not_the_one_is_a_problem_of_ours(cloud, issue, monkeypatch) -> None:
    for changes in (
        {"issuer": "https://localhost:1/v2.0"},
        {"issuer": f"{cloud.origin}/{cloud.cloud.domain}/v2.0"},  # its document names the tenant by its id
        {"issuer": f"{cloud.origin}/other/v2.0"},
        {"ca_file": None},
    ):
        with pytest.raises(Problem) as caught:
            issue(**changes).start(VISITOR, "/a/x")
        assert caught.value.reason is Reason.DIRECTORY_UNREACHABLE
    monkeypatch.setenv(SECRET_VARIABLE, "wrong")
    signing = issue()
    answer = answer_of(signed_in_there(cloud, signing.start(VISITOR, "/a/x"), *person(cloud)))
    with pytest.raises(Problem) as caught:
        signing.finish(VISITOR, answer, "192.0.2.1")
    assert caught.value.reason is Reason.RESPONSE_BROKEN
