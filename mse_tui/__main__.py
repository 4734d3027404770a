"""The command mse-tui."""

import sys


def main() -> None:
    """Run the command line given to this process and end it with the command's exit code."""
    import gc

    from mse_tui.cli.main import run
    from mse_tui.cli.standard_files import open_what_is_closed

    open_what_is_closed()
    # Importing makes many objects and no garbage: to look for some so often takes a twentieth of the time to the
    # first frame.
    gc.set_threshold(20_000)

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
