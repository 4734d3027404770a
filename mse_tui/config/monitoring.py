"""[metrics], [mail] and [webhook]: who is told what."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from mse_tui.config.section import LOOPBACK, FilePath, Section
from mse_tui.secret import read_secret


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
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise ValueError("must begin with https://")
        return value
