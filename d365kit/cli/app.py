"""Words typed → verbs called: commands, exit codes, and errors as two sentences."""

from __future__ import annotations

import json
import logging
import sys
from typing import NoReturn

import typer

from d365kit.cli import commands, file_commands, ledger_commands, sandbox_commands
from d365kit.errors import D365KitError

log = logging.getLogger("d365kit")

#: What Typer raises for wrong usage. Newer versions carry a Click of their own, so it is reached through Typer.
_USAGE: type[Exception] = typer.BadParameter.__bases__[0]
#: A fault of d365kit itself, as the BSD convention for programs has it (EX_SOFTWARE).
INTERNAL = 70

app = typer.Typer(
    name="d365kit",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Reconcile Dynamics 365 Business Central with Dynamics 365 Sales: "
    "pull, propose, confirm, check, plan, apply, report.",
    epilog="Exit codes: 0 done · 1 findings · 2 usage or settings · 3 a service could not be asked · "
    "4 plan stale or unsafe · 5 some changes failed · 70 a fault of d365kit.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
commands.register(app)
file_commands.register(app)
app.add_typer(ledger_commands.app, name="ledger")
app.add_typer(sandbox_commands.app, name="sandbox")


def main() -> NoReturn:
    """Run the command line and end the process with the documented exit code."""
    log.addHandler(logging.NullHandler())
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    sys.exit(_run())


def _run() -> int:
    try:
        return int(app(standalone_mode=False) or 0)
    except D365KitError as error:
        log.debug("ended with an error", exc_info=True)
        _tell(error.what, error.todo, error.exit_code)
        return error.exit_code
    except typer.Abort:
        _tell("Stopped.", "Nothing was left half done; run the same command again to go on.", 130)
        return 130
    except _USAGE as error:
        error.show()  # type: ignore[attr-defined]
        return 2
    except KeyboardInterrupt:
        _tell("Stopped.", "Nothing was left half done; run the same command again to go on.", 130)
        return 130
    except BrokenPipeError:
        # The reader of our output went away; there is nobody left to tell.
        sys.stderr.close()
        return 0
    except Exception as fault:
        log.exception("a fault of d365kit")
        where = commands.log_file()
        _tell(
            f"d365kit met a fault of its own ({type(fault).__name__}: {fault}).",
            f"Please report it with the log file {where}." if where else "Run it again with --verbose to see where.",
            INTERNAL,
        )
        return INTERNAL


def _tell(what: str, todo: str, code: int) -> None:
    if "--json" in sys.argv:
        typer.echo(json.dumps({"error": {"what": what, "todo": todo, "exit_code": code}}, ensure_ascii=False))
    else:
        typer.echo(what, err=True)
        if todo:
            typer.echo(todo, err=True)
