"""[web] and [openid]: how people reach what was taken out of their mailboxes."""

from ipaddress import ip_network
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from mse_tui.config.section import LOOPBACK, FilePath, Section
from mse_tui.secret import read_secret


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
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
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
        if self.certificate_file is None and self.address not in LOOPBACK and not self.trusted_proxies:
            raise ValueError(
                "needs certificate_file, or the trusted_proxies that encrypt, to listen beyond this machine"
            )
        return self
