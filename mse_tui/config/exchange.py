"""[exchange]: the Exchange organisation and how it is reached."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from mse_tui.config.section import LOOPBACK, FilePath, Section
from mse_tui.secret import read_secret

ServerVersion = Literal["Exchange2010_SP2", "Exchange2013", "Exchange2013_SP1", "Exchange2015", "Exchange2016"]


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
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
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
