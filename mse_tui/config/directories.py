"""[active_directory] and [microsoft365]: who knows the groups."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from mse_tui.config.section import FilePath, Section
from mse_tui.secret import read_secret


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
