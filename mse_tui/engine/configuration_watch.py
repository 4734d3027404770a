"""Telling that the configuration has changed: a running engine works with what it read when it started."""

import logging
from pathlib import Path

from mse_tui.config.configuration import Configuration
from mse_tui.config.fingerprint import fingerprint
from mse_tui.engine.clock import Clock
from mse_tui.reasons import Reason
from mse_tui.store.database import writing
from mse_tui.store.models import Site

log = logging.getLogger(__name__)


class ConfigurationWatch:
    """What one engine began with, and whether it is still so."""

    def __init__(self, site_id: int, path: Path, configuration: Configuration, clock: Clock) -> None:
        self._site_id = site_id
        self._path = path
        self._configuration = configuration
        self._clock = clock
        self._began_with = fingerprint(path, configuration)
        self._changed: bool | None = None

    def look(self) -> None:
        """Tell it where that is another answer than before; changed back is not changed."""
        changed = fingerprint(self._path, self._configuration) != self._began_with
        if changed == self._changed:
            return
        with writing():
            since = self._clock.now() if changed else None
            Site.update(configuration_changed=since).where(Site.id == self._site_id).execute()
        if changed:
            log.warning(
                "The configuration has changed; this engine goes on with the one that it began with",
                extra={"reason": Reason.CONFIGURATION_CHANGED},
            )
        self._changed = changed
