"""A site's configuration: one TOML file, secrets by reference.

Every failure names the file, the line where it can be told, the key, and what is wrong with it.
"""

import difflib
import re
import tomllib
from ipaddress import ip_network
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from mse_tui.reasons import Problem, Reason
from mse_tui.secret import read_secret
from mse_tui.terms import GroupKind, SiteBinding

ServerVersion = Literal["Exchange2010_SP2", "Exchange2013", "Exchange2013_SP1", "Exchange2015", "Exchange2016"]

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _beside_the_file(value: Path, info: ValidationInfo) -> Path:
    base = (info.context or {}).get("directory")
    value = value.expanduser()
    return value if value.is_absolute() or base is None else base / value


FilePath = Annotated[Path, AfterValidator(_beside_the_file)]
"""A path; one that is not absolute is relative to the configuration file."""


class Section(BaseModel):
    """A table of the file. Unknown keys are refused: a misspelt one would silently do nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SiteSettings(Section):
    """[site]: how this site presents itself."""

    description: str = Field(default="", description="Shown in the list of sites.")
    binding: SiteBinding = Field(
        default=SiteBinding.EXCHANGE_SERVER,
        description="What the site is bound to: exchange_server (with Active Directory) or microsoft_365.",
    )
    viewers_group: str = Field(
        default="",
        description="A group of the operating system whose members may open the site to look at, and can't write.",
    )


class ExchangeSettings(Section):
    """[exchange]: the server, the service account, and how patient to be with them."""

    endpoint: str = Field(description="Full address of Exchange Web Services, https://HOST/EWS/Exchange.asmx.")
    auth: Literal["basic", "ntlm"] = Field(default="ntlm", description="How the account signs in.")
    user: str = Field(min_length=1, description="The service account: DOMAIN\\name or name@domain.")
    password_file: FilePath | None = Field(
        default=None, description="A file with the password, readable by this user alone; relative to this file."
    )
    password_env: str | None = Field(default=None, description="The environment variable that holds the password.")
    password_credential: str | None = Field(
        default=None, description="The systemd credential (LoadCredential=NAME:...) that holds the password."
    )
    ca_file: FilePath | None = Field(
        default=None,
        description="PEM file of the only authority to trust; without it the system's authorities are trusted.",
    )
    impersonation: bool = Field(
        default=True,
        description="Use the ApplicationImpersonation role; off: the account needs full access to each mailbox.",
    )
    version: ServerVersion = Field(
        default="Exchange2013_SP1",
        description="Schema version to speak; Exchange2013_SP1 suits 2013 SP1, 2016, 2019 and later.",
    )
    proxy: str | None = Field(
        default=None, description="HTTP proxy, http://HOST:PORT. Proxy variables in the environment are not used."
    )
    requests_in_flight: int = Field(
        default=2, ge=1, le=4, description="Content requests kept in flight for one mailbox."
    )
    connect_timeout_seconds: float = Field(default=10, gt=0, le=120, description="Time to reach the server.")
    timeout_seconds: float = Field(default=120, ge=1, le=3600, description="Time to wait for the next bytes.")
    retry_seconds: float = Field(
        default=300,
        ge=0,
        le=7200,
        description="How long one call goes on being tried, all waits together, before the mailbox is given up.",
    )
    max_item_bytes: int = Field(
        default=512 * 1024 * 1024, ge=1024, description="Larger items are listed as failed, not fetched."
    )

    @field_validator("endpoint")
    @classmethod
    def _endpoint_is_safe(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ValueError("must be a full address such as https://mail.example.com/EWS/Exchange.asmx")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must not hold a user or a password; use user and password_file")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("must begin with https:// (http would send the password in clear)")
        try:
            parts.port  # noqa: B018 (raises ValueError where the port is no number)
        except ValueError as error:
            raise ValueError("has a port that is not a number from 0 to 65535") from error
        return value

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        given = [self.password_file, self.password_env, self.password_credential]
        if sum(source is not None for source in given) != 1:
            raise ValueError("needs exactly one of password_file, password_env, password_credential")
        return self

    def secret(self) -> SecretStr:
        """The password, read now. Raises Problem secret-unreadable; the text of the password is never in it."""
        return read_secret(self.password_file, self.password_env, self.password_credential)


class ActiveDirectorySettings(Section):
    """[active_directory]: the domain controllers, how they are reached, and the account that reads them."""

    servers: tuple[str, ...] = Field(
        min_length=1,
        description="Domain controllers of one domain, HOST or HOST:PORT, asked in this order; names, not addresses.",
    )
    encryption: Literal["ldaps", "starttls", "none"] = Field(
        default="ldaps",
        description="ldaps or starttls; none sends the password and all answers in clear.",
    )
    sign_in: Literal["simple", "kerberos"] = Field(
        default="simple",
        description="With a password, or with Kerberos (needs the extra: pip install mse-tui[kerberos]).",
    )
    user: str = Field(min_length=1, description="The account that reads the directory: name@domain.")
    password_file: FilePath | None = Field(
        default=None, description="A file with the password, readable by this user alone; relative to this file."
    )
    password_env: str | None = Field(default=None, description="The environment variable that holds the password.")
    password_credential: str | None = Field(
        default=None, description="The systemd credential (LoadCredential=NAME:...) that holds the password."
    )
    keytab_file: FilePath | None = Field(
        default=None,
        description="For Kerberos: the account's keytab; without it the tickets of this user (kinit) are used.",
    )
    ca_file: FilePath | None = Field(
        default=None,
        description="PEM file of the only authority to trust; without it the system's authorities are trusted.",
    )
    base: str = Field(
        default="",
        description="Where groups are looked up and browsed, a distinguished name; the whole domain by default.",
    )
    connect_timeout_seconds: float = Field(default=5, gt=0, le=120, description="Time to reach a server.")
    timeout_seconds: int = Field(default=60, ge=1, le=3600, description="Time to wait for the next bytes of an answer.")
    answer_seconds: float = Field(default=600, ge=1, le=7200, description="Time for one whole answer, all its pages.")

    @field_validator("servers")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for server in value:
            parts = urlsplit(f"//{server}")
            try:
                fine = bool(parts.hostname) and parts.netloc == server and parts.username is None and parts.port != 0
            except ValueError:
                fine = False
            if not fine:
                raise ValueError(f"{server!r} is not HOST or HOST:PORT, such as dc1.example.com")
        return value

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        given = [self.password_file, self.password_env, self.password_credential]
        passwords = sum(source is not None for source in given)
        if self.sign_in == "kerberos":
            if passwords:
                raise ValueError("needs no password with Kerberos; give keytab_file, or get tickets with kinit")
        elif passwords != 1:
            raise ValueError("needs exactly one of password_file, password_env, password_credential")
        elif self.keytab_file is not None:
            raise ValueError('keytab_file goes with sign_in = "kerberos"')
        return self

    def secret(self) -> SecretStr:
        """The password, read now. Raises Problem secret-unreadable; the text of the password is never in it."""
        return read_secret(self.password_file, self.password_env, self.password_credential)


class Microsoft365Settings(Section):
    """[microsoft365]: the tenant, the application that mse-tui signs in as, and where its services are."""

    tenant: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$",
        description="The tenant's id or one of its domains (NAME.onmicrosoft.com).",
    )
    client_id: str = Field(min_length=1, description="The application (client) id of the app registration.")
    secret_file: FilePath | None = Field(
        default=None, description="A file with the client secret, readable by this user alone; relative to this file."
    )
    secret_env: str | None = Field(default=None, description="The environment variable that holds the client secret.")
    secret_credential: str | None = Field(
        default=None, description="The systemd credential (LoadCredential=NAME:...) that holds the client secret."
    )
    certificate_file: FilePath | None = Field(
        default=None, description="PEM file of the application's certificate, instead of a client secret."
    )
    key_file: FilePath | None = Field(
        default=None, description="PEM file of the certificate's private key, readable by this user alone."
    )
    key_credential: str | None = Field(default=None, description="The systemd credential that holds the private key.")
    authority: str = Field(
        default="https://login.microsoftonline.com", description="Where tokens are given out; national clouds differ."
    )
    graph: str = Field(default="https://graph.microsoft.com", description="Microsoft Graph's address.")
    exchange_online: str = Field(
        default="https://outlook.office365.com",
        description="Exchange Online's address; dynamic distribution lists are resolved by its Admin API.",
    )
    ca_file: FilePath | None = Field(
        default=None,
        description="PEM file of the only authority to trust; without it the system's authorities are trusted.",
    )
    proxy: str | None = Field(
        default=None, description="HTTP proxy, http://HOST:PORT. Proxy variables in the environment are not used."
    )
    connect_timeout_seconds: float = Field(default=10, gt=0, le=120, description="Time to reach a service.")
    timeout_seconds: float = Field(default=60, ge=1, le=3600, description="Time to wait for the next bytes.")
    retry_seconds: float = Field(
        default=300, ge=0, le=7200, description="How long one question goes on being tried, all waits together."
    )

    @field_validator("tenant")
    @classmethod
    def _one_tenant(cls, value: str) -> str:
        if value.lower() in ("common", "organizations", "consumers"):
            raise ValueError("must name one tenant: its id or one of its domains")
        return value

    @field_validator("authority", "graph", "exchange_online")
    @classmethod
    def _is_https(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query or parts.username:
            raise ValueError("must be https:// and a host, such as https://graph.microsoft.com")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        given = [self.secret_file, self.secret_env, self.secret_credential, self.certificate_file]
        if sum(source is not None for source in given) != 1:
            raise ValueError(
                "needs exactly one of secret_file, secret_env, secret_credential, certificate_file (with its key)"
            )
        keys = sum(source is not None for source in (self.key_file, self.key_credential))
        if keys != (self.certificate_file is not None):
            raise ValueError("needs key_file or key_credential with certificate_file, and only with it")
        return self

    def secret(self) -> SecretStr:
        """The client secret, or the certificate's private key (PEM), read now. Raises Problem secret-unreadable."""
        if self.certificate_file is not None:
            return read_secret(self.key_file, None, self.key_credential, kind="private key")
        return read_secret(self.secret_file, self.secret_env, self.secret_credential, kind="client secret")


class EngineSettings(Section):
    """[engine]: how much is done at a time and how long records are kept."""

    workers: int = Field(default=4, ge=1, le=64, description="Mailboxes processed at the same time, over all tasks.")
    keep_executions_days: int = Field(
        default=400, ge=1, description="Executions older than this are pruned; what they archived stays."
    )
    keep_audit_days: int = Field(default=3650, ge=1, description="Audit entries older than this are pruned.")
    confirm_empty_group: bool = Field(
        default=True, description="A task whose group resolves to no mailbox ends red until a person confirms it."
    )
    confirm_group_below_percent: int = Field(
        default=50,
        ge=0,
        le=100,
        description="So does one with fewer than this share of the run before's mailboxes; 0: however few.",
    )


class ArchiveSettings(Section):
    """[archive]: where content lies, and whether it can be searched."""

    directory: FilePath | None = Field(
        default=None, description="Directory of the packs; by default 'archive' in the data directory."
    )
    search_index: bool = Field(
        default=True,
        description="Let the engine keep an index of the words in archived messages, for searching them.",
    )


class MetricsSettings(Section):
    """[metrics]: where the engine serves metrics for Prometheus; without this table it serves none."""

    address: str = Field(
        default="127.0.0.1",
        description="Address to listen on. Metrics name mailboxes and have no sign-in: keep to this machine.",
    )
    port: int = Field(default=9464, ge=0, le=65535, description="Port to listen on; 0 chooses a free one.")


class MailSettings(Section):
    """[mail]: mail to people when what needs attention changes; without this table none is sent."""

    to: tuple[str, ...] = Field(min_length=1, description="Who gets it.")
    sender: str = Field(min_length=3, description="Whom it comes from.")
    pause_minutes: float = Field(
        default=15,
        ge=0,
        le=1440,
        description="At least so long between two mails; what changes meanwhile is in the next.",
    )
    server: str = Field(min_length=1, description="The mail server's name.")
    port: int = Field(default=587, ge=1, le=65535, description="Its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is protected; none: not at all."
    )
    user: str = Field(default="", description="Whom to sign in as; without it nobody.")
    password_file: FilePath | None = Field(
        default=None, description="A file with the password, readable by this user alone; relative to this file."
    )
    password_env: str | None = Field(default=None, description="The environment variable that holds the password.")
    password_credential: str | None = Field(default=None, description="The systemd credential that holds the password.")
    ca_file: FilePath | None = Field(
        default=None, description="PEM file of the only authority to trust; without it the system's are trusted."
    )

    @model_validator(mode="after")
    def _password_goes_with_user(self) -> Self:
        given = [self.password_file, self.password_env, self.password_credential]
        if sum(source is not None for source in given) != bool(self.user):
            raise ValueError("needs exactly one of password_file, password_env, password_credential with a user")
        if self.user and self.security == "none":
            raise ValueError("has a user, so security must not be none (the password would be sent in clear)")
        return self

    def secret(self) -> SecretStr:
        """The password, read now. Raises Problem secret-unreadable."""
        return read_secret(self.password_file, self.password_env, self.password_credential)


class WebhookSettings(Section):
    """[webhook]: programs elsewhere that are told; without this table none is."""

    url: str | None = Field(default=None, description="Gets a POST with JSON when what needs attention changes.")
    ping_url: str | None = Field(
        default=None,
        description="Gets a GET three times a minute while the engine runs, with /fail behind it while something is"
        " red: for a health check that raises the alarm when nothing comes.",
    )
    ca_file: FilePath | None = Field(
        default=None, description="PEM file of the only authority to trust; without it the system's are trusted."
    )

    @field_validator("url", "ping_url")
    @classmethod
    def _is_safe(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "https://none.example")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ValueError("must begin with https://")
        return value


class RoleSettings(Section):
    """[roles]: which groups of the operating system may do what; without this table everybody may do everything."""

    viewer: tuple[str, ...] = Field(default=(), description="Groups that see tasks, results and logs.")
    operator: tuple[str, ...] = Field(default=(), description="And create, change, run and stop tasks.")
    destructive: tuple[str, ...] = Field(default=(), description="And delete, stub and purge, and remove tasks.")
    auditor: tuple[str, ...] = Field(default=(), description="See what viewers see, the audit and archived mail.")


class OpenIdSettings(Section):
    """[openid]: the service that people sign in at (OpenID Connect), and what mse-tui is registered as there."""

    issuer: str = Field(description="The issuer, as its discovery document names it.")
    client_id: str = Field(min_length=1, description="What this service is registered as.")
    secret_file: FilePath | None = Field(
        default=None, description="A file with the client secret, readable by this user alone; relative to this file."
    )
    secret_env: str | None = Field(default=None, description="The environment variable that holds the client secret.")
    secret_credential: str | None = Field(
        default=None, description="The systemd credential (LoadCredential=NAME:...) that holds the client secret."
    )
    claim: str = Field(default="email", min_length=1, description="What of the identity is the person's mail address.")
    ca_file: FilePath | None = Field(
        default=None,
        description="PEM file of the only authority to trust; without it the system's authorities are trusted.",
    )

    @field_validator("issuer")
    @classmethod
    def _is_https(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or parts.username:
            raise ValueError("must begin with https://, such as https://login.microsoftonline.com/TENANT/v2.0")
        return value

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if sum(source is not None for source in (self.secret_file, self.secret_env, self.secret_credential)) != 1:
            raise ValueError("needs exactly one of secret_file, secret_env, secret_credential")
        return self

    def secret(self) -> SecretStr:
        """The client secret, read now. Raises Problem secret-unreadable."""
        return read_secret(self.secret_file, self.secret_env, self.secret_credential, kind="client secret")


class WebSettings(Section):
    """[web]: how people reach what was taken out of their mailboxes."""

    public_url: str = Field(
        default="", description="Address of the retrieval service as people's browsers reach it, https://HOST."
    )
    in_engine: bool = Field(default=False, description="The engine serves it too; else mse-tui web does.")
    address: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8443, ge=0, le=65535, description="Port to listen on; 0 chooses a free one.")
    certificate_file: FilePath | None = Field(
        default=None, description="PEM file of the service's certificate and its chain; with it, it speaks HTTPS."
    )
    key_file: FilePath | None = Field(default=None, description="PEM file of the certificate's private key.")
    trusted_proxies: tuple[str, ...] = Field(
        default=(), description="Addresses or networks of the proxies in front, whose word on clients is taken."
    )
    sign_in: Literal["none", "ldap", "openid"] = Field(
        default="none",
        description="How people sign in where a link asks for it: ldap (needs [active_directory]) or openid.",
    )
    session_hours: float = Field(default=8, gt=0, le=168, description="How long somebody stays signed in.")
    sign_in_attempts: int = Field(
        default=4, ge=1, le=100, description="Failed attempts of a person in 15 minutes; keep below the directory's."
    )
    requests_per_minute: int = Field(default=60, ge=5, description="Requests of one client.")
    retrievals_per_hour: int = Field(default=30, ge=1, description="Retrievals by one link.")

    @field_validator("public_url")
    @classmethod
    def _public_url_is_safe(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("https", "http") or not parts.hostname):
            raise ValueError("must be a full address such as https://archive.example.com")
        if value and (parts.path.strip("/") or parts.query or parts.fragment or parts.username):
            raise ValueError("must end with the host or its port: the service has a host name of its own")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("must begin with https:// (a link would be sent in clear)")
        return value.rstrip("/")

    @field_validator("trusted_proxies")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            ip_network(each, strict=False)
        return value

    @model_validator(mode="after")
    def _is_reached_safely(self) -> Self:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("needs certificate_file and key_file together")
        if self.certificate_file is None and self.address not in _LOOPBACK and not self.trusted_proxies:
            raise ValueError(
                "needs certificate_file, or the trusted_proxies that encrypt, to listen beyond this machine"
            )
        return self


class Configuration(Section):
    """The whole file."""

    site: SiteSettings = SiteSettings()
    exchange: ExchangeSettings
    engine: EngineSettings = EngineSettings()
    archive: ArchiveSettings = ArchiveSettings()
    web: WebSettings = WebSettings()
    openid: OpenIdSettings | None = None
    roles: RoleSettings = RoleSettings()
    active_directory: ActiveDirectorySettings | None = None
    microsoft365: Microsoft365Settings | None = None
    metrics: MetricsSettings | None = None
    mail: MailSettings | None = None
    webhook: WebhookSettings | None = None

    @model_validator(mode="after")
    def _bound_to_what_is_there(self) -> Self:
        if self.site.binding is SiteBinding.MICROSOFT_365 and self.microsoft365 is None:
            raise ValueError('[site] binding = "microsoft_365" needs the table [microsoft365]')
        if self.web.sign_in == "ldap" and self.active_directory is None:
            raise ValueError('[web] sign_in = "ldap" needs the table [active_directory]')
        if self.web.sign_in == "openid" and self.openid is None:
            raise ValueError('[web] sign_in = "openid" needs the table [openid]')
        return self

    @property
    def directories(self) -> frozenset[GroupKind]:
        """Who can be asked about groups; Exchange Server about its own."""
        kinds = {
            GroupKind.ACTIVE_DIRECTORY: self.active_directory is not None,
            GroupKind.MICROSOFT_365: self.microsoft365 is not None,
            GroupKind.EXCHANGE: self.site.binding is SiteBinding.EXCHANGE_SERVER,
        }
        return frozenset(kind for kind, is_there in kinds.items() if is_there)


class _OnlySite(BaseModel):
    """The file, of which one table is looked at."""

    site: SiteSettings = SiteSettings()


class _OnlyRoles(BaseModel):
    """The file, of which one table is looked at."""

    roles: RoleSettings = RoleSettings()
    metrics: MetricsSettings | None = None
    mail: MailSettings | None = None
    webhook: WebhookSettings | None = None


def load_configuration(path: Path) -> Configuration:
    """Read and check a configuration file.

    Raises Problem configuration-invalid with every fault that was found, each with its key and line.
    """
    text = _text(path)
    if text is None:
        raise Problem(
            Reason.CONFIGURATION_INVALID,
            f"There is no configuration at {path}.",
            f"Write an example there and fill in its [exchange] table: mse-tui site example > {path}",
        )
    values = _values(path, text)
    try:
        return Configuration.model_validate(values, context={"directory": path.parent})
    except ValidationError as error:
        raise _invalid(path, text, error) from None


def load_roles(path: Path) -> RoleSettings:
    """Read [roles] alone, whatever is wrong with the rest of the file; where there is no file, no role is given.

    Raises Problem configuration-invalid.
    """
    text = _text(path)
    if text is None:
        return RoleSettings()
    try:
        return _OnlyRoles.model_validate(_values(path, text)).roles
    except ValidationError as error:
        raise _invalid(path, text, error) from None


def load_site_settings(path: Path) -> SiteSettings:
    """Read [site] alone, whatever is wrong with the rest of the file; defaults where there is no file.

    Raises Problem configuration-invalid.
    """
    text = _text(path)
    if text is None:
        return SiteSettings()
    try:
        return _OnlySite.model_validate(_values(path, text)).site
    except ValidationError as error:
        raise _invalid(path, text, error) from None


def _text(path: Path) -> str | None:
    """The file's text; None where there is no file."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(Reason.CONFIGURATION_INVALID, f"{path} could not be read: {error}.") from error


def _values(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Problem(Reason.CONFIGURATION_INVALID, f"{path} is not valid TOML: {error}.") from error


def _invalid(path: Path, text: str, error: ValidationError) -> Problem:
    faults = "; ".join(_fault(fault, text) for fault in error.errors(include_url=False, include_input=False))
    return Problem(Reason.CONFIGURATION_INVALID, f"{path}: {faults}.")


def _fault(fault: Any, text: str) -> str:
    """One validation fault as a person reads it: 'line 4, [exchange] requests_in_flight: ...'."""
    keys = [str(part) for part in fault["loc"]]
    line = _line_of(keys, text)
    where = f"[{keys[0]}]" + (f" {'.'.join(keys[1:])}" if len(keys) > 1 else "") if keys else "the file"
    message = _message(fault, keys)
    return (f"line {line}, " if line else "") + f"{where}: {message}"


def _message(fault: Any, keys: list[str]) -> str:
    if fault["type"] == "extra_forbidden":
        close = difflib.get_close_matches(keys[-1], _known_keys(keys[:-1]), n=1)
        return "unknown key" + (f", did you mean {close[0]}?" if close else "")
    if fault["type"] == "missing":
        return "is missing"
    message = str(fault["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _known_keys(parents: list[str]) -> list[str]:
    model: Any = Configuration
    for parent in parents:
        annotation: Any = model.model_fields[parent].annotation
        model = next((part for part in get_args(annotation) if part is not NoneType), annotation)
    return list(model.model_fields)


def _line_of(keys: list[str], text: str) -> int | None:
    """The line on which a key stands, else its table's; None where neither is written out."""
    table, found = "", None
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[([^\[\]]+)\]", line):
            table = header.group(1).strip()
            if keys and table == keys[0]:
                found = number
        elif (assignment := re.match(r"\s*[\"']?([\w.-]+)[\"']?\s*=", line)) and keys:
            path = [*([table] if table else []), assignment.group(1)]
            if path == keys or ".".join(path) == ".".join(keys):
                return number
    return found
