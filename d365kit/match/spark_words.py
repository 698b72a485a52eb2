"""A condition in DuckDB's words → the same in Spark's, and what Spark has no word for as functions of SQL.

`templates` writes its conditions for DuckDB. They are translated here and nowhere else.
"""

from __future__ import annotations

import re

#: The functions that we give Spark begin so, and so do all our views.
OURS = "d365kit_"
#: Functions of two arguments: what DuckDB calls them, and how Spark says the same.
_WORDS = {
    "list_has_any": r"arrays_overlap(\1, \2)",
    "list_has_all": r"(size(array_except(\2, \1)) = 0)",
    "list_intersect": r"array_intersect(\1, \2)",
    "array_to_string": r"array_join(\1, \2)",
    "damerau_levenshtein": rf"{OURS}edits(\1, \2)",
    "jaro_winkler_similarity": rf"{OURS}likeness(\1, \2)",
}
#: Two arguments, each a column or an element of one.
_TWO = r"\(([^(),]+), ([^(),]+)\)"
_SAYINGS = (
    (rf"\bjaro_winkler_similarity{_TWO} >= ([\d.]+)", rf"{OURS}alike(\1, \2, \3D)"),
    *((rf"\b{word}{_TWO}", said) for word, said in _WORDS.items()),
    (r"\blen\(", "size("),
    (r" // ", " div "),
    (r"([\w.]+)\[(\d+)\]", r"try_element_at(\1, \2)"),
    (r"([\w.]+)::VARCHAR\b", r"CAST(\1 AS STRING)"),
    (r" IS NOT DISTINCT FROM ", " <=> "),
)


def in_spark(condition: str) -> str:
    """A condition of `templates` in Spark's words.

    >>> in_spark("list_has_all(a_l, a_r) AND length(b_l) // 6 > 1")
    '(size(array_except(a_r, a_l)) = 0) AND length(b_l) div 6 > 1'
    >>> in_spark("damerau_levenshtein(a_l[1], a_r[1]) <= 1 OR b_l IS NOT DISTINCT FROM b_r")
    'd365kit_edits(try_element_at(a_l, 1), try_element_at(a_r, 1)) <= 1 OR b_l <=> b_r'
    """
    for duckdb, spark in _SAYINGS:
        condition = re.sub(duckdb, spark, condition)
    return condition


def _bytes(text: str) -> str:
    """Each byte of a text as a letter: DuckDB counts edits and likeness by bytes, Spark by letters."""
    return f"decode(encode({text}, 'UTF-8'), 'ISO-8859-1')"


def _let(name: str, value: str, then: str) -> str:
    """The expression ``then``, in which ``name`` stands for ``value``."""
    return f"element_at(transform(array({value}), {name} -> {then}), 1)"


# For each letter of b in turn, the first free place of the same letter in a that is near enough.
_PLACES = """aggregate(sequence(1, length(b)), CAST(array() AS ARRAY<INT>), (taken, j) -> concat(taken, slice(filter(
    sequence(1, length(a)), i -> abs(i - j) <= greatest(length(a), length(b)) div 2 - 1
    AND substring(a, i, 1) = substring(b, j, 1) AND NOT array_contains(taken, i)), 1, 1)))"""
_MOVED = """size(filter(zip_with(array_sort(places), places,
    (p, q) -> substring(a, p, 1) <> substring(a, q, 1)), moved -> moved))"""
_JARO = f"""CASE WHEN a = '' OR b = '' THEN 0D WHEN a = b THEN 1D WHEN size(places) = 0 THEN 0D
    ELSE (size(places) / length(a) + size(places) / length(b)
    + (size(places) - {_MOVED} div 2) / size(places)) / 3 END"""
_WINKLER = """CASE WHEN jaro <= 0.7D THEN jaro ELSE jaro + size(filter(sequence(1, 4),
    n -> n <= least(length(a), length(b)) AND left(a, n) = left(b, n))) * 0.1D * (1 - jaro) END"""

#: What the similarity functions that come with Splink say of likeness (Jaro–Winkler) is lower than DuckDB's figure by
#: less than this, and never higher: DuckDB rounds half a transposition down.
_LOWER = 0.2
#: What DuckDB has and Spark has not, as functions of SQL.
FUNCTIONS = {
    "edits": (
        f"(x STRING, y STRING) RETURNS INT RETURN CAST(damerau_levenshtein({_bytes('x')}, {_bytes('y')}) AS INT)"
    ),
    "likeness": (
        "(x STRING, y STRING) RETURNS DOUBLE RETURN "
        + _let("a", _bytes("x"), _let("b", _bytes("y"), _let("places", _PLACES, _let("jaro", _JARO, _WINKLER))))
    ),
    "alike": (
        "(x STRING, y STRING, least DOUBLE) RETURNS BOOLEAN RETURN "
        + _let(
            "near",
            f"jaro_winkler({_bytes('x')}, {_bytes('y')})",
            f"x <> '' AND near >= least OR (near >= least - {_LOWER}D AND {OURS}likeness(x, y) >= least)",
        )
    ),
}
