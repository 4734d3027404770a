"""A site's configuration: one TOML file, secrets by reference; a module a few tables that belong together."""

from mse_tui.config.configuration import Configuration
from mse_tui.config.directories import ActiveDirectorySettings, Microsoft365Settings
from mse_tui.config.editing import set_values
from mse_tui.config.exchange import ExchangeSettings
from mse_tui.config.loading import load_configuration, load_engine_settings, load_roles, load_site_settings
from mse_tui.config.monitoring import MailSettings, MetricsSettings, WebhookSettings
from mse_tui.config.site import ArchiveSettings, EngineSettings, RoleSettings, SiteSettings
from mse_tui.config.web import OpenIdSettings, WebSettings

__all__ = [
    "ActiveDirectorySettings", "ArchiveSettings", "Configuration", "EngineSettings", "ExchangeSettings",
    "MailSettings", "MetricsSettings", "Microsoft365Settings", "OpenIdSettings", "RoleSettings", "SiteSettings",
    "WebSettings", "WebhookSettings", "load_configuration", "load_engine_settings", "load_roles", "load_site_settings",
    "set_values",
]  # fmt: skip
