"""[site], [roles], [engine] and [archive]: how one installation runs."""

from pydantic import Field

from mse_tui.config.section import FilePath, Section
from mse_tui.terms import SiteBinding


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


class RoleSettings(Section):
    """[roles]: which groups of the operating system may do what; without this table everybody may do everything."""

    viewer: tuple[str, ...] = Field(default=(), description="Groups that see tasks, results and logs.")
    operator: tuple[str, ...] = Field(default=(), description="And create, change, run and stop tasks.")
    destructive: tuple[str, ...] = Field(default=(), description="And delete, stub and purge, and remove tasks.")
    auditor: tuple[str, ...] = Field(default=(), description="See what viewers see, the audit and archived mail.")


class EngineSettings(Section):
    """[engine]: how much is done at a time and how long records are kept."""

    workers: int = Field(default=4, ge=1, le=64, description="Mailboxes processed at the same time, over all tasks.")
    keep_executions_days: int = Field(
        default=400, ge=1, le=36_500, description="Executions older than this are pruned; what they archived stays."
    )
    keep_audit_days: int = Field(default=3650, ge=1, le=36_500, description="Audit entries older than this are pruned.")
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
