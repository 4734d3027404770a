"""Reading one table of the configuration file, whatever is wrong with the others.

What opens the site needs these few; who needs all of them loads the whole (`mse_tui.config.loading`).
"""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from mse_tui.config.file import checked, text_of
from mse_tui.config.site import ArchiveSettings, EngineSettings, RoleSettings, SiteSettings


class _OnlySite(BaseModel):
    """The file, of which one table is looked at."""

    site: SiteSettings = SiteSettings()


class _OnlyRoles(BaseModel):
    """The file, of which one table is looked at."""

    roles: RoleSettings = RoleSettings()


class _OnlyEngine(BaseModel):
    """The file, of which one table is looked at."""

    engine: EngineSettings = EngineSettings()


class _OnlyArchive(BaseModel):
    """The file, of which one table is looked at."""

    archive: ArchiveSettings = ArchiveSettings()


_Table = TypeVar("_Table", bound=BaseModel)


def load_roles(path: Path) -> RoleSettings:
    """Read [roles] alone, whatever is wrong with the rest of the file; where there is no file, no role is given.

    Raises Problem configuration-invalid.
    """
    return _alone(path, _OnlyRoles).roles


def load_site_settings(path: Path) -> SiteSettings:
    """Read [site] alone, whatever is wrong with the rest of the file; defaults where there is no file.

    Raises Problem configuration-invalid.
    """
    return _alone(path, _OnlySite).site


def load_engine_settings(path: Path) -> EngineSettings:
    """Read [engine] alone, whatever is wrong with the rest of the file; defaults where there is no file.

    Raises Problem configuration-invalid.
    """
    return _alone(path, _OnlyEngine).engine


def load_archive_settings(path: Path) -> ArchiveSettings:
    """Read [archive] alone, whatever is wrong with the rest of the file; defaults where there is no file.

    Raises Problem configuration-invalid.
    """
    return _alone(path, _OnlyArchive).archive


def _alone(path: Path, model: type[_Table]) -> _Table:
    text = text_of(path)
    return model() if text is None else checked(path, text, model)
