"""Filter tree → SQLite condition by Dataverse's habits: no case, wildcards, lambdas, query functions."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from d365kit.sandbox.odata.emit import Emitter, Operand, joined
from d365kit.sandbox.odata.filters import FilterError, In, Lambda, Literal, NamedCall
from d365kit.sandbox.odata.moments import last_day, time_range
from d365kit.sandbox.odata.values import fold
from d365kit.sandbox.schema import TEXTUAL, WHOLE, Column, Schema, Table
from d365kit.sandbox.wire import canonical_guid


class DataverseEmitter(Emitter):
    """Case never counts, text matches take SQL wildcards, null is a value. Source: dataverse.md section 5.

    ``user`` is who asks, for the functions that mean it. ``variables`` hold the tables that names stand for besides
    the one being read: those of any and all, and of linked tables.
    """

    def __init__(self, table: Table, schema: Schema, user: str = "") -> None:
        super().__init__(table, schema)
        self.user = user
        self.variables: dict[str, tuple[Table, str]] = {}

    def fold_needed(self, column: Column, value: object, asked: bool) -> bool:
        return column.type in TEXTUAL and not str(value).isascii()

    def comparable(self, operand: Operand, folded: bool) -> str:
        sql = super().comparable(operand, folded)
        text = operand.column is not None and operand.column.type in TEXTUAL
        return f"{sql} COLLATE NOCASE" if text and not folded else sql

    def path(self, names: tuple[str, ...]) -> Operand:
        (table, alias), rest = self.base(names)
        sql, column = self.walk(table, alias, rest, names, 1)
        return Operand(sql, column)

    def base(self, names: tuple[str, ...]) -> tuple[tuple[Table, str], tuple[str, ...]]:
        """Return the table a path starts from, its alias, and the rest of the path."""
        if names[0] in self.variables:
            return self.variables[names[0]], names[1:]
        return (self.table, "t"), names

    def walk(
        self, table: Table, alias: str, names: tuple[str, ...], whole: tuple[str, ...], depth: int
    ) -> tuple[str, Column]:
        """Return a column at the end of single-valued navigations, each one a subquery."""
        if len(names) == 1:
            column = table.columns.get(names[0])
            if column is None:
                raise self.unknown("/".join(whole))
            return f'{alias}."{column.name}"', column
        found = table.navigation(names[0]) if names else None
        if found is None:
            raise self.unknown("/".join(whole))
        target, inner = self.schema.entity(found[1].target), f"n{depth}"
        sql, column = self.walk(target, inner, names[1:], whole, depth + 1)
        key = f'{alias}."{found[0].name}"'
        return f'(SELECT {sql} FROM "{target.sql}" {inner} WHERE {inner}."{target.key}" = {key})', column

    def is_in(self, node: In) -> str:
        raise FilterError("unsupported", "The 'in' operator is not supported.")

    def like(self, name: str, left: Operand, text: str, folded: bool) -> str:
        before, after = name != "startswith", name != "endswith"
        pattern = like_pattern(text)
        whole = ("%" if before else "") + pattern + ("%" if after else "")
        return self.like_whole(left, whole)

    def like_whole(self, left: Operand, pattern: str) -> str:
        """Return the match of a whole text with a pattern whose escape is the backslash."""
        if pattern.isascii():
            return f"{left.sql} LIKE {self.bind(pattern)} ESCAPE '\\'"
        return f"fold({left.sql}) LIKE {self.bind(fold(pattern))} ESCAPE '\\'"

    def any_all(self, node: Lambda) -> str:
        """Return a condition over the rows of a collection (dataverse.md section 5, lambda)."""
        (table, alias), rest = self.base(node.path)
        if len(rest) != 1:
            raise self.unknown("/".join(node.path))
        inner = f"c{len(self.variables)}"
        found, between = self.schema.collection(table.entity, rest[0]), self.schema.association(table.entity, rest[0])
        if found is not None:
            other, column, relation = found
            typed = f" AND {inner}.\"{column.type_column}\" = '{relation.target}'" if column.polymorphic else ""
            link = f'{inner}."{column.name}" = {alias}."{table.key}"{typed}'
        elif between is not None:
            other = self.schema.entity(between.other(table.entity))
            middle = self.schema.entity(between.table)
            mine, theirs = between.sides[table.entity], between.sides[other.entity]
            rows = f'SELECT b."{theirs}" FROM "{middle.sql}" b WHERE b."{mine}" = {alias}."{table.key}"'
            link = f'{inner}."{other.key}" IN ({rows})'
        else:
            raise self.unknown("/".join(node.path))
        outer = dict(self.variables)
        self.variables[node.variable] = (other, inner)
        test = self.condition(node.inner) if node.inner is not None else "1"
        self.variables = outer
        if node.kind == "all":
            return f'NOT EXISTS (SELECT 1 FROM "{other.sql}" {inner} WHERE {link} AND NOT ifnull({test}, 0))'
        return f'EXISTS (SELECT 1 FROM "{other.sql}" {inner} WHERE {link} AND ({test}))'

    def named(self, node: NamedCall) -> str:
        """Return one of Dataverse's query functions."""
        name = str(node.arguments.get("PropertyName", ""))
        left = self.path(tuple(name.split("/")))
        values = node.arguments.get("PropertyValues")
        listed = [str(value) for value in values] if isinstance(values, list) else []
        return self.function(node.name, left, node.arguments.get("PropertyValue"), listed)

    def function(self, name: str, left: Operand, value: object, values: list[str]) -> str:
        """Return the condition of a query function over a column. Source: dataverse.md section 5."""
        if name in ("Between", "NotBetween") and len(values) == 2:
            low, high = self.plain(left, values[0], "ge"), self.plain(left, values[1], "le")
            return f"({low} AND {high})" if name == "Between" else f"NOT ifnull({low} AND {high}, 0)"
        if name in ("In", "NotIn", "ContainValues", "DoesNotContainValues"):
            tests = [self.plain(left, item, "eq") for item in values]
            found = joined(tests, "OR") if tests else "0"
            return found if name in ("In", "ContainValues") else f"NOT ifnull({found}, 0)"
        if name in ("EqualUserId", "NotEqualUserId"):
            return f"{left.sql} IS {'NOT ' if name.startswith('Not') else ''}{self.bind(self.user)}"
        if name in ("EqualBusinessId", "NotEqualBusinessId"):
            users = self.schema.entity("systemuser")
            unit = f'(SELECT _businessunitid_value FROM "{users.sql}" WHERE systemuserid = {self.bind(self.user)})'
            return f"{left.sql} IS {'NOT ' if name.startswith('Not') else ''}{unit}"
        if name in ("Above", "AboveOrEqual", "Under", "UnderOrEqual", "NotUnder"):
            return self.hierarchy(name, left, str(value))
        return self.moment(name, left, value)

    def moment(self, name: str, left: Operand, value: object) -> str:
        """Return a test of a point in time: a column against the bounds a date function stands for."""
        assert left.column is not None
        if left.column.type not in ("date", "datetime"):
            raise FilterError("unsupported", f"The function '{name}' does not fit the property '{left.column.name}'.")
        try:
            bounds = time_range(name, value)
        except (ValueError, OverflowError):
            raise FilterError("value", f"'{value}' does not fit the function '{name}'.") from None
        if bounds is None:
            raise FilterError("unsupported", f"The function '{name}' is not supported in a filter.")
        cut = 10 if left.column.type == "date" else 20
        tests = [f"{left.sql} >= {self.bind(bounds[0][:cut])}"] if bounds[0] else []
        if bounds[1]:
            tests.append(f"{left.sql} {'<=' if cut == 10 else '<'} {self.bind(last_day(bounds[1], cut))}")
        return f"({' AND '.join(tests)})"

    def hierarchy(self, name: str, left: Operand, key: str) -> str:
        """Return a test against the tree of a table whose rows have a parent of their own kind."""
        table = self.table
        parent = next(
            (column for column in table.lookups() if column.attribute == f"parent{table.entity}id"),
            None,
        )
        if parent is None or left.column is None or left.column.name not in (table.key, parent.name):
            raise FilterError("unsupported", f"'{name}' needs a column with a hierarchical relationship.")
        start = (
            f'SELECT "{table.key}" FROM "{table.sql}" WHERE "{table.key}" = {self.bind(canonical_guid(key) or key)}'
        )
        step = f'SELECT r."{parent.name}" FROM "{table.sql}" r JOIN tree ON r."{table.key}" = tree.id'
        if name in ("Under", "UnderOrEqual", "NotUnder"):
            step = f'SELECT r."{table.key}" FROM "{table.sql}" r JOIN tree ON r."{parent.name}" = tree.id'
        tree = f"(WITH RECURSIVE tree (id) AS ({start} UNION {step}) SELECT id FROM tree WHERE id IS NOT NULL)"
        found = f'(t."{table.key}" IN {tree}'
        if not name.endswith("OrEqual"):
            found += f' AND t."{table.key}" <> {self.bind(canonical_guid(key) or key)}'
        return f"NOT {found})" if name == "NotUnder" else f"{found})"

    def plain(self, left: Operand, value: object, operator: str) -> str:
        """Return the comparison with a value of a function's list, which is always text."""
        assert left.column is not None
        return self.compare_value(left, _literal_like(left.column, str(value)), operator, False)


def like_pattern(text: str) -> str:
    r"""Return a Dataverse search text as a LIKE pattern with backslash as escape: ``[%]`` is a plain ``%``.

    >>> like_pattern("50[%] a_b\\c")
    '50\\% a_b\\\\c'
    """
    return re.sub(r"\[([%_\[])\]", r"\\\1", text.replace("\\", "\\\\"))


def _literal_like(column: Column, text: str) -> Literal:
    try:
        if column.numeric or column.type in WHOLE:
            return Literal("number", Decimal(text))
    except InvalidOperation:
        raise FilterError("value", f"'{text}' does not fit the property '{column.name}'.") from None
    if column.type in ("guid", "lookup"):
        return Literal("guid", canonical_guid(text) or text)
    if column.type in ("date", "datetime"):
        return Literal(column.type, text)
    return Literal("bool", text in ("1", "true")) if column.type == "bool" else Literal("text", text)
