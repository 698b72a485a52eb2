"""What the database says when it refuses → our own errors, in words an analyst can act on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from d365kit.errors import AlreadyCoupled, D365KitError, LedgerError, SettingsError

#: Words of SQLite → what they mean and what to do.
_SAYINGS = (
    ("not a database", "is no database", "Choose another file for the ledger, or bring back a copy of it."),
    ("malformed", "is damaged", "Bring back a copy of it; copy this file aside first."),
    ("unable to open", "cannot be opened", "See that the folder is there and may be written."),
    ("readonly", "may only be read", "See that the file and its folder may be written."),
    ("disk I/O error", "met an error of the disk", "See that the disk works and has room, then do it again."),
    ("full", "found no room to write", "Make room on the disk and do it again; nothing was written."),
    ("locked", "is being written by another process", "Wait until it is done and do it again."),
)

#: PostgreSQL's codes, whose texts come in the server's language → the same.
_CODES = (
    ("55P03", "is being written by another process", "Wait until it is done and do it again."),
    ("40001", "was changed by another process", "Nothing was written; do it again."),
    ("40P01", "was changed by another process", "Nothing was written; do it again."),
    ("53100", "found no room to write", "Make room on the server's disk and do it again; nothing was written."),
    ("53300", "has too many connections", "Close some, or ask who runs the server to allow more."),
    ("25006", "may only be read", "Connect to the server that takes writes."),
    ("42501", "does not let this user in", "Ask who runs the server for the right to make and write tables."),
    ("22001", "has no place for so long a text", "Shorten it; nothing was written."),
    ("28", "did not accept user or password", "Correct the address of the ledger in d365kit.toml."),
    ("3D000", "is in no database of that name", "Make the database on the server, or correct the address."),
    ("57P", "was closed by its server", "Nothing was written; do it again when the server is back."),
    ("XX", "is damaged", "Ask who runs the server to bring back a copy of it."),
)
_SETTINGS = frozenset({"not a database", "unable to open", "28", "3D000"})


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Turn what the database of the ledger called ``name`` says into our own errors."""
    try:
        yield
    except D365KitError:
        raise
    except IntegrityError as problem:
        said = _words(problem)
        if "one_partner_of_" in said or "UNIQUE constraint failed: couplings." in said:
            raise AlreadyCoupled(
                f"The ledger {name} refused a second coupling of one record ({said}).",
                "Somebody else decided at the same moment; look at the couplings and decide again.",
            ) from problem
        raise LedgerError(
            f"The ledger {name} refused what would break it ({said}).", "Nothing was written; report this."
        ) from problem
    except SQLAlchemyError as problem:
        raise _translated(name, problem) from problem
    except UnicodeEncodeError as problem:
        raise LedgerError(
            f"The ledger {name} cannot keep half a character ({problem.reason}).",
            "Take the broken character out of the text; nothing was written.",
        ) from problem


def _words(problem: SQLAlchemyError) -> str:
    """The first line of what the database said; PostgreSQL adds lines on where it happened."""
    lines = str(getattr(problem, "orig", None) or problem).strip().splitlines()
    return lines[0].rstrip(".:") if lines else type(problem).__name__


def _translated(name: str, problem: SQLAlchemyError) -> D365KitError:
    said, orig = _words(problem), getattr(problem, "orig", None)
    code = getattr(orig, "sqlstate", None) or ""
    if hasattr(orig, "sqlstate"):
        found = next((c for c in _CODES if code and code.startswith(c[0])), None)
        if found is None and not code and "NUL" in said:
            return LedgerError(
                f"The ledger {name} cannot keep a text with a NUL character.", "Take it out; nothing was written."
            )
        if found is None and (not code or code.startswith("08")):
            return LedgerError(
                f"The server of the ledger {name} cannot be reached ({said}).",
                "See that it runs and that the address is right, then do it again.",
            )
    else:
        found = next((s for s in _SAYINGS if s[0] in said), None)
    if found is None:
        return LedgerError(f"The ledger {name} could not be used: {said}.", "Nothing was written; do it again.")
    words, what, todo = found
    return (SettingsError if words in _SETTINGS else LedgerError)(f"The ledger {name} {what} ({said}).", todo)
