"""The command mse-tui."""

import sys


def main() -> None:
    """Run the command line given to this process and end it with the command's exit code."""
    from mse_tui.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
