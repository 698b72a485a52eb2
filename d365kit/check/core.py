"""A core expectation's arguments + a frame → the rows that break it, all of them.

Great Expectations counts the failing rows of its own expectations, and lists them only up to a limit or very
slowly; so the same condition is evaluated here over whole columns, and `findings` compares the two counts.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

import pandas as pd

from d365kit.check.suites import Check
from d365kit.errors import SuiteError

Mask = Callable[[pd.DataFrame, Mapping[str, object]], pd.Series]

_COLUMN_KEYS = ("column", "column_A", "column_B")
_LIST_KEYS = ("column_list", "column_set")


def _null(frame: pd.DataFrame, given: Mapping) -> pd.Series:
    return frame[given["column"]].isna()


def _filled(frame: pd.DataFrame, given: Mapping) -> pd.Series:
    return frame[given["column"]].notna()


def _outside_set(frame: pd.DataFrame, given: Mapping) -> pd.Series:
    return _filled(frame, given) & ~frame[given["column"]].isin(list(given["value_set"]))


def _inside_set(frame: pd.DataFrame, given: Mapping) -> pd.Series:
    return _filled(frame, given) & frame[given["column"]].isin(list(given["value_set"]))


def _out_of_bounds(values: pd.Series, given: Mapping) -> pd.Series:
    low, high = given.get("min_value"), given.get("max_value")
    bad = pd.Series(False, index=values.index)
    if low is not None:
        bad |= _sure(values <= low if given.get("strict_min") else values < low)
    if high is not None:
        bad |= _sure(values >= high if given.get("strict_max") else values > high)
    return bad


def _not_between(frame: pd.DataFrame, given: Mapping) -> pd.Series:
    return _out_of_bounds(frame[given["column"]], given)


def _length_not_between(frame: pd.DataFrame, given: Mapping) -> pd.Series:
    return _out_of_bounds(frame[given["column"]].str.len(), given)


def _length_differs(frame: pd.DataFrame, given: Mapping) -> pd.Series:
    return _filled(frame, given) & _sure(frame[given["column"]].str.len() != given["value"])


def _no_match(frame: pd.DataFrame, given: Mapping) -> pd.Series:
    return _filled(frame, given) & ~_match(frame, given)


def _match(frame: pd.DataFrame, given: Mapping) -> pd.Series:
    return _sure(frame[given["column"]].astype(object).str.contains(given["regex"], regex=True))


def _doubled(frame: pd.DataFrame, given: Mapping) -> pd.Series:
    return _filled(frame, given) & frame[given["column"]].duplicated(keep=False)


def _pair_differs(frame: pd.DataFrame, given: Mapping) -> pd.Series:
    a, b = frame[given["column_A"]], frame[given["column_B"]]
    both, either = a.isna() & b.isna(), a.isna() | b.isna()
    ignored = both if given.get("ignore_row_if", "both_values_are_missing") == "both_values_are_missing" else either
    return (_sure(a != b) | either) & ~ignored


def _sure(values: pd.Series) -> pd.Series:
    """``values`` as plain booleans, missing counting as false."""
    return values.fillna(False).astype(bool)


#: Which rows break a core expectation. Missing values are not asked, as Great Expectations has it.
MASKS: Mapping[str, Mask] = {
    "expect_column_values_to_not_be_null": _null,
    "expect_column_values_to_be_null": _filled,
    "expect_column_values_to_be_in_set": _outside_set,
    "expect_column_values_to_not_be_in_set": _inside_set,
    "expect_column_values_to_be_between": _not_between,
    "expect_column_value_lengths_to_be_between": _length_not_between,
    "expect_column_value_lengths_to_equal": _length_differs,
    "expect_column_values_to_match_regex": _no_match,
    "expect_column_values_to_not_match_regex": _match,
    "expect_column_values_to_be_unique": _doubled,
    "expect_column_pair_values_to_be_equal": _pair_differs,
}


def population(check: Check, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``frame`` that the check's row_condition keeps, as Great Expectations chooses them."""
    condition = check.kwargs.get("row_condition")
    return frame.query(str(condition)) if condition else frame


def failing(check: Check, frame: pd.DataFrame) -> pd.Series:
    """Which rows of ``population`` break the check. Raises SuiteError for a type without a mask."""
    if check.type not in MASKS:
        raise SuiteError(
            f"The check {check.full_name} uses “{check.type}”, whose failing records cannot be named.",
            f"Use one of: {', '.join(MASKS)}; or write it as SQL with expect_no_violations.",
        )
    return _sure(MASKS[check.type](frame, check.kwargs))


def columns_of(check: Check) -> list[str]:
    """The columns of its frame that a core check reads, its row_condition included."""
    found = [str(check.kwargs[k]) for k in _COLUMN_KEYS if k in check.kwargs]
    for key in _LIST_KEYS:
        listed = check.kwargs.get(key, ())
        found += [str(c) for c in listed] if isinstance(listed, list) else []
    return list(dict.fromkeys(found + _names_in(check)))


def _names_in(check: Check) -> list[str]:
    condition = check.kwargs.get("row_condition")
    if not condition:
        return []
    if not isinstance(condition, str) or check.kwargs.get("condition_parser") != "pandas":
        raise SuiteError(
            f"The row_condition of {check.full_name} is not one that d365kit can follow.",
            "Write it as a pandas query and set condition_parser to “pandas”.",
        )
    try:
        tree = ast.parse(condition, mode="eval")
    except SyntaxError as problem:
        raise SuiteError(
            f"The row_condition of {check.full_name} cannot be read: {condition}.", "Correct it in the suite."
        ) from problem
    return [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
