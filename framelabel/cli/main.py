"""Entry point: find the command, run it, turn errors into one line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from framelabel import __version__
from framelabel.cli.catalog import COMMANDS
from framelabel.core.catalog import did_you_mean
from framelabel.core.errors import FramelabelError, UnknownNameError


class _LazyGroup(click.Group):
    """Imports a command's module only when that command is asked for, so `--help` stays instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name not in COMMANDS:
            return None
        return COMMANDS.load(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            msg = f"unknown command '{args[0]}'.{did_you_mean(args[0], COMMANDS)}"
            raise UnknownNameError(msg)
        return super().resolve_command(ctx, args)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="framelabel %(version)s")
def application() -> None:
    """Footage goes in; a reviewed, training-ready data set comes out."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 the user can fix it, 2 usage, 130 interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [word for word in given if word != "--debug"]
    try:
        code = application.main(args=given, prog_name="framelabel", standalone_mode=False)
    except FramelabelError as error:
        if debug:
            raise
        _complain(str(error))
        sys.exit(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _complain("interrupted; run the same command again to go on where it stopped")
        sys.exit(130)
    except OSError as error:
        if debug:
            raise
        _complain(f"{error.filename or 'framelabel'}: {error.strerror or error}")
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str) -> None:
    """Print an error as one line on standard error."""
    click.echo(f"framelabel: {' '.join(message.split())}", err=True)
