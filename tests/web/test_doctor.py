"""What the doctor says of the retrieval service."""

from pathlib import Path

import pytest

from mse_tui.config.configuration import Configuration
from mse_tui.exchange.doctor import Finding, Outcome
from mse_tui.sandbox.certificates import write_certificates
from mse_tui.web.doctor import check_retrieval
from tests.web.test_openid import SECRET_VARIABLE

EXCHANGE = {"endpoint": "http://localhost/EWS", "user": "svc", "password_env": "UNUSED"}


def findings(openid: dict | None = None, **web) -> list[Finding]:
    configuration = {"exchange": EXCHANGE, "web": {"sign_in": "openid" if openid else "none", **web}}
    return list(check_retrieval(Configuration.model_validate(configuration | ({"openid": openid} if openid else {}))))


def certified(directory: Path, host: str = "localhost", **options) -> list[Finding]:
    _, certificate, key = write_certificates(directory, **options)
    return findings(public_url=f"https://{host}", certificate_file=certificate, key_file=key)


def test_nothing_is_said_where_stubs_have_no_links() -> None:
    assert findings() == []


def test_a_certificate_that_browsers_take(tmp_path) -> None:
    certificate, sign_in = certified(tmp_path)
    assert certificate.outcome is Outcome.OK and "holds until" in certificate.text
    assert sign_in.outcome is Outcome.OK and "need no sign-in" in sign_in.text


@pytest.mark.parametrize(
    ("host", "options", "said"),
    [("archive.example.com", {}, "is not for archive.example.com"), ("localhost", {"expired": True}, "holds until")],
)
def test_a_certificate_that_browsers_refuse(tmp_path, host, options, said) -> None:
    finding = certified(tmp_path, host, **options)[0]
    assert finding.outcome is Outcome.FAILED and said in finding.text and finding.remedy


def test_a_certificate_that_can_not_be_read(tmp_path) -> None:
    path = tmp_path / "none.pem"
    path.write_text("nothing")
    finding = findings(public_url="https://localhost", certificate_file=path, key_file=path)[0]
    assert finding.outcome is Outcome.FAILED and "can't be used" in finding.text


def test_an_issuer_that_does_not_answer(monkeypatch) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "secret")
    issuer = {"issuer": "https://localhost:1/v2.0", "client_id": "x", "secret_env": SECRET_VARIABLE}
    (finding,) = findings(issuer, public_url="https://localhost")
    assert finding.outcome is Outcome.FAILED and "localhost:1" in finding.text
