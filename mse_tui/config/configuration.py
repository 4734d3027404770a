"""The whole file."""

from typing import Self

from pydantic import model_validator

from mse_tui.config.directories import ActiveDirectorySettings, Microsoft365Settings
from mse_tui.config.exchange import ExchangeSettings
from mse_tui.config.monitoring import MailSettings, MetricsSettings, WebhookSettings
from mse_tui.config.section import Section
from mse_tui.config.site import ArchiveSettings, EngineSettings, RoleSettings, SiteSettings
from mse_tui.config.web import OpenIdSettings, WebSettings
from mse_tui.terms import GroupKind, SiteBinding


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
