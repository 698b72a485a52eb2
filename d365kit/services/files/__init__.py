"""CSV, Excel and Parquet exports → the records of one side, as `pull` reads them.

`sheets` opens files, `tables` finds headers, `values` reads local habits, `guess` says which column is which field
(by `captions` and `looks`), `kinds` which kind a file holds, `records` makes records, `source` is the side.
Files with the kit's own names of columns need no guess: `kit_columns` knows them, `kit_table` reads them.
"""

from d365kit.services.files.captions import ID, hits_of, nouns_of
from d365kit.services.files.guess import Guess, Line, guess, require
from d365kit.services.files.kinds import KindGuess, guess_kind, preference, rank_kinds
from d365kit.services.files.kit_columns import COLUMNS, KEY, Look, look, says_more
from d365kit.services.files.kit_table import KitTable, read_kit
from d365kit.services.files.records import escaped
from d365kit.services.files.source import FilePart, FileSource, load
from d365kit.services.files.tables import FileColumn, FileTable, text_of
from d365kit.services.files.values import Habits
from d365kit.services.files.words import fold

__all__ = [
    "COLUMNS",
    "ID",
    "KEY",
    "FileColumn",
    "FilePart",
    "FileSource",
    "FileTable",
    "Guess",
    "Habits",
    "KindGuess",
    "KitTable",
    "Line",
    "Look",
    "escaped",
    "fold",
    "guess",
    "guess_kind",
    "hits_of",
    "load",
    "look",
    "nouns_of",
    "preference",
    "rank_kinds",
    "read_kit",
    "require",
    "says_more",
    "text_of",
]
