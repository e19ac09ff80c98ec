"""`framelabel review PROJECT`."""

from __future__ import annotations

import getpass
import webbrowser
from dataclasses import dataclass
from pathlib import Path

import click

from framelabel.cli import flags
from framelabel.core.config import setting
from framelabel.web.server import LOOPBACK, Invitation, serve


@dataclass(frozen=True, slots=True)
class ReviewConfig:
    """How the page is served."""

    project: Path = setting(help="Project file.", argument=True)
    host: str = setting("127.0.0.1", help="Address to listen on; another than loopback opens the page to the network.")
    port: int = setting(0, help="Port; 0 takes a free one.")
    browser: bool = setting(True, help="Open the page in the browser.")
    annotator: tuple[str, ...] = setting((), help="Name of a person who works here; repeatable, each gets a link.")
    share: bool = setting(False, help="Also print a link for looking only.")
    plugin: str = setting("", help="Name or folder of the plugin whose zones and rules are edited; the project's own.")


def _run(config: ReviewConfig) -> int:
    def ready(invitations: list[Invitation]) -> None:
        for number, invitation in enumerate(invitations):
            note = "" if len(invitations) == 1 else f"  ({invitation.visitor.name})"
            click.echo(invitation.url + note)
            if number == 0 and config.browser:
                webbrowser.open(invitation.url)
        if config.host not in LOOPBACK:
            click.echo(
                f"framelabel: listening on {config.host}: everybody on this network who has a link above can see and "
                "change these labels; the connection is not encrypted",
                err=True,
            )

    names = config.annotator or (getpass.getuser(),)
    serve(
        config.project,
        host=config.host,
        port=config.port,
        annotators=names,
        share=config.share,
        plugin=config.plugin,
        ready=ready,
    )
    return 0


command = flags.command("review", ReviewConfig, _run, help="Open the review page on a project.")
