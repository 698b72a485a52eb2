"""Bytes of a text with separators (CSV) → rows of texts: its encoding, separator and quotes found out."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from d365kit.errors import SettingsError
from d365kit.services.files.encoding import decode

_SEPARATORS = (";", ",", "\t", "|")
_MARKUP = re.compile(r"\s*<(!doctype|\?xml|html|table|body|feed|!--)", re.IGNORECASE)
_SAID = re.compile(r"\s*\"?sep=(.)\"?\r?\n", re.IGNORECASE)
#: A longer text than this in one cell is a quote that was never closed (Dataverse's own limit is 1,048,576).
_LONGEST = 2_000_000
#: So many signs of a text are looked at for its separator.
_LOOKED_AT = 1_000_000


@dataclass(frozen=True)
class Separated:
    """Rows of texts; ``decimal`` is the decimal sign that goes with the separator, ``""`` when that says nothing."""

    rows: list[list[str]]
    decimal: str
    notes: tuple[str, ...]


def read_separated(path: Path, data: bytes) -> Separated:
    """Read ``data`` as rows of texts.

    Raises SettingsError, naming the line where there is one, for bytes that are no text, for web pages and XML in
    disguise, and for a quote that is never closed.
    """
    text, notes = decode(path, data)
    if _MARKUP.match(text):
        raise SettingsError(
            f"{path} is a web page or XML under another name, not a table of separated values.",
            "Open it in Excel and save it as .xlsx, or export it as CSV.",
        )
    if text.lstrip()[:1] in ("{", "["):
        raise SettingsError(f"{path} is JSON, not a table.", "Save the rows as CSV, Excel or Parquet.")
    separator, said = "", _SAID.match(text)
    if said:
        separator, text = said.group(1), text[said.end() :]
    separator = separator or separator_of(text)
    rows = _rows(path, text, separator, bool(said))
    # Where the comma is the decimal sign, programs separate by semicolon.
    return Separated(rows, "," if separator == ";" else "", notes)


@contextmanager
def long_cells() -> Iterator[None]:
    """Let Python's csv read cells as long as they can be, which it refuses as it comes."""
    limit = csv.field_size_limit(_LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def separator_of(text: str) -> str:
    """The separator that cuts most lines into the same number of cells, more than one; else a comma.

    >>> separator_of('a;b\\n"1,2";3\\n')
    ';'
    """
    head = "\n".join(text[:_LOOKED_AT].splitlines()[:200])
    best, most = ",", 0.0
    for separator in _SEPARATORS:
        with long_cells():
            widths = Counter(len(row) for row in csv.reader(io.StringIO(head), delimiter=separator) if row)
        several = {width: count for width, count in widths.items() if width > 1}
        if several:
            width, count = max(several.items(), key=lambda w: (w[1], w[0]))
            # A comma inside many texts can cut as regularly as the true separator, but into fewer cells.
            worth = count / sum(widths.values()) + min(width, 50) / 200
            if worth > most:
                best, most = separator, worth
    return best


def _rows(path: Path, text: str, separator: str, said: bool) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows: list[list[str]] = []
    # The lines at which the last whole row and the one after it begin.
    last, began = 1, 2 if said else 1
    try:
        with long_cells():
            for row in reader:
                last, began = began, reader.line_num + (2 if said else 1)
                rows.append(row)
    except csv.Error as problem:
        where = began
        if "field larger" in str(problem):
            raise _unclosed(path, where) from problem
        raise SettingsError(f"{path}, line {where}: {problem}.", "Mend that line, or export again.") from problem
    if rows and _ends_in_quotes(text, separator):
        raise _unclosed(path, last)
    return rows


def _ends_in_quotes(text: str, separator: str) -> bool:
    """Whether the text ends inside a quoted cell, which the tolerant reader passes over in silence."""
    try:
        with long_cells():
            for _ in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
                pass
    except csv.Error as problem:
        return "unexpected end of data" in str(problem)
    return False


def _unclosed(path: Path, line: int) -> SettingsError:
    return SettingsError(
        f"{path}: a quote opened at about line {line} is never closed.",
        "Close it, or double it if it is text.",
    )
