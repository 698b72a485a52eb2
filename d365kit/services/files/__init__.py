"""CSV, Excel and Parquet exports → the records of one side, as `pull` reads them.

`sheets` opens files, `tables` finds headers, `values` reads local habits, `guess` says which column is which field
(by `captions` and `looks`), `kinds` which kind a file holds, `records` makes records, `source` is the side.
"""

from d365kit.services.files.captions import ID, hits_of
from d365kit.services.files.guess import Guess, Line, guess, require
from d365kit.services.files.kinds import KindGuess, guess_kind, preference, rank_kinds
from d365kit.services.files.records import escaped
from d365kit.services.files.source import FilePart, FileSource, load
from d365kit.services.files.tables import FileColumn, FileTable, text_of
from d365kit.services.files.values import Habits
from d365kit.services.files.words import fold

__all__ = [
    "ID",
    "FileColumn",
    "FilePart",
    "FileSource",
    "FileTable",
    "Guess",
    "Habits",
    "KindGuess",
    "Line",
    "escaped",
    "fold",
    "guess",
    "guess_kind",
    "hits_of",
    "load",
    "preference",
    "rank_kinds",
    "require",
    "text_of",
]
