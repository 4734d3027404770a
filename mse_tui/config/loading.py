"""Reading the whole configuration file."""

from pathlib import Path

from mse_tui.config.configuration import Configuration
from mse_tui.config.file import checked, text_of
from mse_tui.reasons import Problem, Reason


def load_configuration(path: Path) -> Configuration:
    """Read and check a configuration file.

    Raises Problem configuration-invalid with every fault that was found, each with its key and line.
    """
    text = text_of(path)
    if text is None:
        raise Problem(
            Reason.CONFIGURATION_INVALID,
            f"There is no configuration at {path}.",
            "Write an example there and fill in its [exchange] table: "
            f"mse-tui site example | install -m 600 /dev/stdin {path}",
        )
    return checked(path, text, Configuration)
