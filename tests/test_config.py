"""What a configuration may say, and how a wrong one is explained."""

import re
from pathlib import Path
from types import NoneType
from typing import get_args

import pytest

from mse_tui.config.configuration import Configuration
from mse_tui.config.editing import set_values
from mse_tui.config.loading import load_configuration
from mse_tui.config.one_table import load_roles, load_site_settings
from mse_tui.reasons import Problem, Reason

EXAMPLE = Path(__file__).parents[1] / "mse_tui" / "config.example.toml"

GOOD = """\
[exchange]
endpoint = "https://mail.example.com/EWS/Exchange.asmx"
user = 'EXAMPLE\\svc'
password_env = "MSE_TEST_PASSWORD"
"""


@pytest.fixture
def write(tmp_path):
    def _write(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return _write


def refused(path: Path) -> str:
    with pytest.raises(Problem) as caught:
        load_configuration(path)
    assert caught.value.reason is Reason.CONFIGURATION_INVALID
    return caught.value.happened


def test_defaults(write):
    configuration = load_configuration(write(GOOD))
    assert configuration.exchange.auth == "ntlm"
    assert configuration.exchange.requests_in_flight == 2
    assert configuration.exchange.connect_timeout_seconds == 10
    assert configuration.engine.workers == 4
    assert configuration.archive.directory is None


def test_the_example_is_valid_and_names_every_key():
    configuration = load_configuration(EXAMPLE)
    assert configuration.exchange.password_file == EXAMPLE.parent / "exchange.password"
    text = EXAMPLE.read_text(encoding="utf-8")
    for name, section in Configuration.model_fields.items():
        part = re.split(r"^(?:# )?\[\w+\]$", text.split(f"[{name}]\n", 1)[1], maxsplit=1, flags=re.M)[0]
        named = set(re.findall(r"^(?:# )?(\w+) = ", part, flags=re.M))
        model = next((one for one in get_args(section.annotation) if one is not NoneType), section.annotation)
        assert named == set(model.model_fields), name


def test_the_example_shows_the_real_defaults(write):
    text = re.split(r"^# \[\w+\]$", EXAMPLE.read_text(encoding="utf-8"), maxsplit=1, flags=re.M)[0]
    optional = re.sub(
        r"^# ((?!password_|ca_file|proxy|directory|certificate_|key_|trusted_|viewers_)\w+ = )", r"\1", text, flags=re.M
    )
    assert load_configuration(write(optional)).engine == load_configuration(write(text)).engine
    uncommented, plain = load_configuration(write(optional)), load_configuration(write(text))
    assert uncommented == plain


def test_unknown_key_names_the_nearest_and_the_line(write):
    said = refused(write(GOOD + 'ca_fil = "x.pem"\n'))
    assert "line 5" in said and "[exchange] ca_fil" in said and "did you mean ca_file?" in said


def test_unknown_table(write):
    assert "did you mean engine?" in refused(write(GOOD + "[engin]\nworkers = 2\n"))


def test_several_faults_are_all_named(write):
    said = refused(write(GOOD.replace("https://", "http://") + "requests_in_flight = 9\n"))
    assert "endpoint: must begin with https://" in said
    assert "line 5, [exchange] requests_in_flight" in said


def test_not_toml_names_the_line(write):
    assert "line 2" in refused(write("[exchange]\nendpoint = \n"))
    assert "Cannot declare [exchange] twice" in refused(write("[exchange]\n[site]\n[exchange]\n"))


def test_missing_table_and_missing_file(write, tmp_path):
    assert "[exchange]: is missing" in refused(write("[site]\ndescription = 'x'\n"))
    assert "There is no configuration" in refused(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    "endpoint",
    ["mail.example.com", "ftp://mail.example.com/", "https://user:pw@mail.example.com/EWS", "https://h:99999/EWS"],
)
def test_bad_endpoints(write, endpoint):
    said = refused(write(GOOD.replace("https://mail.example.com/EWS/Exchange.asmx", endpoint)))
    assert "line 2, [exchange] endpoint" in said
    assert "pw@" not in said


def test_plain_http_only_on_loopback(write):
    for host in ("127.0.0.1:8080", "localhost", "[::1]:99"):
        load_configuration(write(GOOD.replace("https://mail.example.com", f"http://{host}")))


def test_exactly_one_password(write):
    assert "exactly one of password_file" in refused(write(GOOD + "password_file = 'x'\n"))
    assert "exactly one of password_file" in refused(write(GOOD.replace("password_env", "# password_env")))


def test_password_written_into_the_file_is_refused_and_not_repeated(write):
    said = refused(write(GOOD + 'password = "hunter2"\n'))
    assert "unknown key" in said and "hunter2" not in said


def secret_problem(path: Path) -> Problem:
    with pytest.raises(Problem) as caught:
        load_configuration(path).exchange.secret()
    assert caught.value.reason is Reason.SECRET_UNREADABLE
    return caught.value


def test_password_from_the_environment(write, monkeypatch):
    path = write(GOOD)
    monkeypatch.setenv("MSE_TEST_PASSWORD", "s3cret")
    secret = load_configuration(path).exchange.secret()
    assert secret.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(secret) + str(secret)
    monkeypatch.delenv("MSE_TEST_PASSWORD")
    assert "MSE_TEST_PASSWORD" in secret_problem(path).happened


def test_a_file_as_windows_writes_it(write):
    path = write(GOOD)
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load_configuration(path).exchange.user == "EXAMPLE\\svc"
    set_values(path, "engine", {"workers": 2})
    assert load_configuration(path).engine.workers == 2
    assert path.read_bytes().startswith(GOOD.replace("\n", "\r\n").encode())


def test_a_link_to_the_file_stays_one(write, tmp_path):
    write(GOOD).rename(tmp_path / "kept.toml")
    path = tmp_path / "config.toml"
    path.symlink_to("kept.toml")
    set_values(path, "engine", {"workers": 2})
    assert path.is_symlink() and "workers = 2" in (tmp_path / "kept.toml").read_text()


def test_password_from_a_file(write, tmp_path):
    path = write(GOOD.replace("password_env", "password_file").replace("MSE_TEST_PASSWORD", "pw"))
    assert "could not be read" in secret_problem(path).happened
    (tmp_path / "pw").write_text("żółć pass\n", encoding="utf-8")
    (tmp_path / "pw").chmod(0o640)
    problem = secret_problem(path)
    assert "0640" in problem.happened and "chmod 600" in problem.remedy
    (tmp_path / "pw").chmod(0o600)
    assert load_configuration(path).exchange.secret().get_secret_value() == "żółć pass"
    (tmp_path / "pw").write_text("from Windows\r\n", encoding="utf-8-sig", newline="")
    assert load_configuration(path).exchange.secret().get_secret_value() == "from Windows"
    (tmp_path / "pw").write_text("\n")
    assert "empty" in secret_problem(path).happened


def test_password_from_a_systemd_credential(write, tmp_path, monkeypatch):
    path = write(GOOD.replace("password_env", "password_credential").replace("MSE_TEST_PASSWORD", "exchange"))
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert "CREDENTIALS_DIRECTORY" in secret_problem(path).happened
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "exchange").write_text("from systemd")
    (tmp_path / "exchange").chmod(0o400)
    assert load_configuration(path).exchange.secret().get_secret_value() == "from systemd"


CLOUD = (
    GOOD
    + """
[microsoft365]
tenant = "example.onmicrosoft.com"
client_id = "11111111-2222-3333-4444-555555555555"
"""
)


def test_microsoft365_is_optional_and_points_to_the_worldwide_cloud(write, monkeypatch):
    assert load_configuration(write(GOOD)).microsoft365 is None
    settings = load_configuration(write(CLOUD + 'secret_env = "MSE_TEST_SECRET"\n')).microsoft365
    assert settings.authority == "https://login.microsoftonline.com"
    assert settings.graph == "https://graph.microsoft.com"
    monkeypatch.setenv("MSE_TEST_SECRET", "s3cret")
    assert settings.secret().get_secret_value() == "s3cret" and "s3cret" not in repr(settings.secret())


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "needs exactly one of secret_file, secret_env"),
        ('secret_env = "A"\nsecret_file = "b"', "needs exactly one of secret_file, secret_env"),
        ('secret_env = "A"\nkey_file = "b"', "only with it"),
        ('certificate_file = "a"', "needs key_file or key_credential"),
        ('secret_env = "A"\ngraph = "http://graph.example.com"', "graph: must be https://"),
        ('secret_env = "A"\ngraph = "https://graph.example.com/v1.0"', "graph: must be https://"),
        ('secret_env = "A"\nauthrity = "https://x"', "did you mean authority?"),
    ],
)
def test_what_microsoft365_may_not_say(write, lines, said):
    assert said in refused(write(CLOUD + lines + "\n"))


@pytest.mark.parametrize("tenant", ["common", "Organizations", "https://x", "a/../b", ""])
def test_microsoft365_names_one_tenant(write, tenant):
    text = CLOUD.replace("example.onmicrosoft.com", tenant) + 'secret_env = "A"\n'
    assert "line 7, [microsoft365] tenant" in refused(write(text))


def test_the_key_of_a_certificate_is_a_secret(write, tmp_path):
    settings = load_configuration(write(CLOUD + 'certificate_file = "c.pem"\nkey_file = "c.key"\n')).microsoft365
    assert settings.certificate_file == tmp_path / "c.pem"
    (tmp_path / "c.key").write_text("PEM")
    (tmp_path / "c.key").chmod(0o644)
    with pytest.raises(Problem) as caught:
        settings.secret()
    assert caught.value.reason is Reason.SECRET_UNREADABLE and "private key file" in caught.value.happened


def test_a_site_bound_to_microsoft365_needs_its_table(write):
    bound = GOOD.replace("[exchange]", '[site]\nbinding = "microsoft_365"\n[exchange]')
    assert "needs the table [microsoft365]" in refused(write(bound))
    text = CLOUD.replace("[exchange]", '[site]\nbinding = "microsoft_365"\n[exchange]') + 'secret_env = "A"\n'
    assert load_configuration(write(text)).site.binding == "microsoft_365"


@pytest.mark.parametrize("url", ["archive.example.com", "ftp://archive.example.com", "http://archive.example.com"])
def test_links_in_stubs_lead_to_a_safe_address(write, url):
    assert "[web] public_url: must b" in refused(write(f'{GOOD}[web]\npublic_url = "{url}"\n'))


def test_the_address_of_links_has_no_slash_at_its_end(write):
    text = GOOD + '[web]\npublic_url = "https://archive.example.com/"\n'
    assert load_configuration(write(text)).web.public_url == "https://archive.example.com"


@pytest.mark.parametrize(
    "wrong", ["[mail]\nnothing = 1\n", '[exchange]\nendpoint = "no address"\n', "[metrics]\nport = -1\n"]
)
def test_roles_and_site_are_read_whatever_is_wrong_elsewhere(write, wrong):
    path = write(f'[site]\ndescription = "Main"\n[roles]\noperator = ["helpdesk"]\n{wrong}')
    with pytest.raises(Problem):
        load_configuration(path)
    assert load_roles(path).operator == ("helpdesk",)
    assert load_site_settings(path).description == "Main"
