"""Filter tree → parametrised SQLite condition, with the habits of each service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from d365kit.sandbox.odata.filters import (
    Call,
    Compare,
    FilterError,
    In,
    Lambda,
    Literal,
    Logic,
    NamedCall,
    Node,
    Not,
    Path,
)
from d365kit.sandbox.odata.values import fold, stored_date, stored_number, stored_time
from d365kit.sandbox.schema import BLANK_ENUM, TEXTUAL, WHOLE, Column, Schema, Table

_SQL = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_INTEGER_END = 2**63
_MATCHES = frozenset({"contains", "startswith", "endswith"})
_FOLDS = frozenset({"tolower", "toupper"})


@dataclass(frozen=True)
class Operand:
    """A value as SQL: its column when it is one, whether case was switched off, the value of a literal."""

    sql: str
    column: Column | None = None
    folded: bool = False
    literal: Literal | None = None


class Emitter:
    """Writes conditions over one table; subclasses hold what differs between the services."""

    time_digits = 0

    def __init__(self, table: Table, schema: Schema) -> None:
        self.table, self.schema = table, schema
        self.parameters: list[object] = []

    def bind(self, value: object) -> str:
        """Remember a parameter and return its mark."""
        self.parameters.append(value)
        return "?"

    def condition(self, node: Node) -> str:
        """Return the SQL of a condition; parameters gather in order. FilterError when it is refused."""
        match node:
            case Logic():
                return self.logic(node)
            case Not():
                return f"NOT ifnull({self.condition(node.inner)}, 0)"
            case Compare():
                return self.compare(node)
            case In():
                return self.is_in(node)
            case Call() if node.name in _MATCHES:
                return self.match(node)
            case NamedCall():
                return self.named(node)
            case Lambda():
                return self.any_all(node)
            case Literal(kind="bool"):
                return "1" if node.value else "0"
            case Path():
                return self.truth(self.operand(node))
        raise FilterError("syntax", "The filter is not a condition.")

    def truth(self, operand: Operand) -> str:
        """Return a boolean column taken as a condition."""
        if operand.column is None or operand.column.type != "bool":
            raise FilterError("syntax", "The filter is not a condition.")
        return f"{operand.sql} = 1"

    def logic(self, node: Logic) -> str:
        """Return conditions joined; a long chain as a balanced tree, since SQLite bounds the depth of one."""
        parts, left = [node.right], node.left
        while isinstance(left, Logic) and left.operator == node.operator:
            parts.append(left.right)
            left = left.left
        return joined([self.condition(part) for part in (left, *reversed(parts))], node.operator.upper())

    def operand(self, node: Node) -> Operand:
        """Return a value: a column, a literal, or a function of one."""
        match node:
            case Path():
                return self.path(node.names)
            case Literal():
                return Operand("", literal=node)
            case Call() if node.name in _FOLDS and len(node.arguments) == 1:
                inner = self.operand(node.arguments[0])
                return Operand(inner.sql, inner.column, True, inner.literal)
            case Call(name="substring", arguments=(text, Literal(kind="number", value=Decimal() as start))):
                inner = self.operand(text)
                return Operand(f"substr({inner.sql}, {int(start) + 1})", inner.column, inner.folded)
            case Call():
                raise FilterError("unsupported", f"The function '{node.name}' is not supported in a filter.")
        raise FilterError("syntax", "The filter compares a condition.")

    def path(self, names: tuple[str, ...]) -> Operand:
        """Return a column; FilterError when the table has none of that name."""
        column = self.find(names[0])
        if column is None or len(names) > 1:
            raise self.unknown("/".join(names))
        return Operand(f't."{column.name}"', column)

    def find(self, name: str) -> Column | None:
        """Return the column of a property name."""
        return self.table.columns.get(name)

    def unknown(self, name: str) -> FilterError:
        """Return the error for a property the table lacks."""
        return FilterError("property", name)

    def compare(self, node: Compare) -> str:
        """Return a comparison; ``ne`` keeps rows without a value, as OData says."""
        left, right = self.operand(node.left), self.operand(node.right)
        if left.column is None:
            left, right = right, left
            flipped = {"gt": "lt", "lt": "gt", "ge": "le", "le": "ge"}
            node = Compare(flipped.get(node.operator, node.operator), node.right, node.left)
        if left.column is None:
            raise FilterError("syntax", "The filter compares two constants.")
        if right.column is not None:
            return self.compare_columns(left, right, node.operator)
        assert right.literal is not None
        return self.compare_value(left, right.literal, node.operator, left.folded or right.folded)

    def compare_columns(self, left: Operand, right: Operand, operator: str) -> str:
        """Return the comparison of two columns of one row."""
        sides = [self.comparable(side, side.folded) for side in (left, right)]
        sign = {"eq": "IS", "ne": "IS NOT"}.get(operator, _SQL[operator])
        return f"{sides[0]} {sign} {sides[1]}"

    def compare_value(self, left: Operand, literal: Literal, operator: str, folded: bool) -> str:
        """Return the comparison of a column with a constant."""
        assert left.column is not None
        value = self.value_for(left.column, literal)
        if value is None:
            return f"{left.sql} IS {'NOT ' if operator == 'ne' else ''}NULL" if operator in ("eq", "ne") else "0"
        sign = "IS NOT" if operator == "ne" else _SQL[operator]
        folded = self.fold_needed(left.column, value, folded)
        sql = self.comparable(left, folded)
        return f"{sql} {sign} {self.bind(fold(str(value)) if folded else value)}"

    def comparable(self, operand: Operand, folded: bool) -> str:
        """Return an operand so that numbers compare as numbers and folded text without case."""
        if operand.column is not None and operand.column.numeric:
            return f"CAST({operand.sql} AS REAL)"
        return f"fold({operand.sql})" if folded else operand.sql

    def fold_needed(self, column: Column, value: object, asked: bool) -> bool:
        """Whether the comparison must fold both sides."""
        return asked and column.type in TEXTUAL

    def value_for(self, column: Column, literal: Literal) -> object:
        """Return the constant as the column stores it; FilterError when the types do not fit."""
        value = literal.value
        if literal.kind == "null":
            return None
        kinds = {"text": TEXTUAL | {"enum", "option"}, "number": WHOLE | {"decimal", "money"}, "bool": {"bool"}}
        kinds |= {"guid": {"guid", "lookup"}, "date": {"date", "datetime"}, "datetime": {"datetime", "date"}}
        if column.type not in kinds[literal.kind]:
            raise FilterError("value", f"The value '{value}' does not fit the property '{column.name}'.")
        if literal.kind == "number":
            return _number(column, value)  # type: ignore[arg-type]
        if literal.kind == "bool":
            return int(bool(value))
        if literal.kind in ("date", "datetime"):
            text = str(value)
            return stored_date(text) if column.type == "date" else stored_time(text, self.time_digits)
        return self.text_for(column, str(value))

    def text_for(self, column: Column, text: str) -> str:
        """Return a text constant in the form the column stores."""
        return text

    def is_in(self, node: In) -> str:
        """Return a membership test."""
        left = self.operand(node.left)
        if left.column is None:
            raise FilterError("syntax", "'in' needs a property on its left.")
        tests = [self.compare_value(left, value, "eq", left.folded) for value in _literals(node.values)]
        return joined(tests, "OR") if tests else "0"

    def match(self, node: Call) -> str:
        """Return contains, startswith or endswith."""
        if len(node.arguments) != 2:
            raise FilterError("syntax", f"'{node.name}' takes two arguments.")
        left, right = (self.operand(argument) for argument in node.arguments)
        if left.column is None or left.column.type not in TEXTUAL or right.literal is None:
            raise FilterError("value", f"'{node.name}' needs a text property and a constant.")
        return self.like(node.name, left, str(right.literal.value), left.folded or right.folded)

    def like(self, name: str, left: Operand, text: str, folded: bool) -> str:
        """Return the SQL of a text match."""
        raise NotImplementedError

    def named(self, node: NamedCall) -> str:
        """Return a function with named arguments."""
        raise FilterError("unsupported", f"The function '{node.name}' is not supported in a filter.")

    def any_all(self, node: Lambda) -> str:
        """Return a condition over a collection."""
        raise FilterError("unsupported", f"'{node.kind}' is not supported in a filter.")


class BusinessCentralEmitter(Emitter):
    """Case counts, blanks are values, OR joins tests of one field. Source: business-central.md section 5."""

    time_digits = 3

    def __init__(self, table: Table, schema: Schema, modern: bool, alias: str = "t") -> None:
        super().__init__(table, schema)
        self.modern, self.alias = modern, alias

    def path(self, names: tuple[str, ...]) -> Operand:
        column = self.find(names[0])
        if column is None or len(names) > 1:
            raise self.unknown("/".join(names))
        return Operand(column.at(self.alias), column)

    def find(self, name: str) -> Column | None:
        return self.table.columns.get(self.table.folded.get(name.lower(), ""))

    def logic(self, node: Logic) -> str:
        if node.operator == "or" and len(set(fields_of(node))) > 1:
            raise FilterError("distinct", "")
        return super().logic(node)

    def is_in(self, node: In) -> str:
        if not self.modern:
            raise FilterError("unsupported", "The 'IN' operator is not supported on an OData filter.")
        return super().is_in(node)

    def operand(self, node: Node) -> Operand:
        nested = isinstance(node, Call) and any(isinstance(argument, Call) for argument in node.arguments)
        if nested and not self.modern:
            raise FilterError("unsupported", "Nested functions are not supported on an OData filter.")
        return super().operand(node)

    def match(self, node: Call) -> str:
        if not self.modern and any(isinstance(argument, Call) for argument in node.arguments):
            raise FilterError("unsupported", "Nested functions are not supported on an OData filter.")
        return super().match(node)

    def text_for(self, column: Column, text: str) -> str:
        if column.enum:
            member = text if text.strip() else BLANK_ENUM
            if member not in self.schema.enums[column.enum]:
                raise FilterError("value", f"The value '{text}' is not a member of '{column.enum}'.")
            return member
        if column.members:
            member = text if text.strip() else " "
            if member not in column.members:
                raise FilterError("value", f"The value '{text}' is not an option of '{column.name}'.")
            return member
        if column.length and len(text) > column.length:
            raise FilterError("length", f"The filter for field {column.name} is longer than {column.length}.")
        return text.upper() if column.type == "code" else text

    def like(self, name: str, left: Operand, text: str, folded: bool) -> str:
        assert left.column is not None
        wanted = self.text_for(left.column, text)
        if not wanted:
            return "1"
        sql = f"fold({left.sql})" if folded else left.sql
        value = fold(wanted) if folded else wanted
        if name == "contains":
            return f"instr({sql}, {self.bind(value)}) > 0"
        part = f"substr({sql}, 1, {len(wanted)})" if name == "startswith" else f"substr({sql}, -{len(wanted)})"
        return f"{part} = {self.bind(value)}"

    def any_all(self, node: Lambda) -> str:
        return "1"


def _number(column: Column, value: Decimal) -> object:
    """Return a number to compare a column with; a fraction equals no whole number."""
    if column.numeric or value != value.to_integral_value():
        return float(stored_number(value))
    if abs(value) >= _INTEGER_END:
        raise FilterError("value", f"The value '{value}' does not fit the property '{column.name}'.")
    return int(value)


def joined(tests: list[str], word: str) -> str:
    """Return conditions joined by a word, as a balanced tree."""
    if len(tests) == 1:
        return tests[0]
    middle = len(tests) // 2
    return f"({joined(tests[:middle], word)} {word} {joined(tests[middle:], word)})"


def fields_of(node: Node) -> Iterator[tuple[str, ...]]:
    """Yield the properties a condition compares, in lower case."""
    waiting = [node]
    while waiting:
        match waiting.pop():
            case Path(names):
                yield tuple(name.lower() for name in names)
            case Logic(_, left, right) | Compare(_, left, right):
                waiting += [left, right]
            case Not(inner) | In(inner, _):
                waiting.append(inner)
            case Call(_, arguments):
                waiting += arguments


def _literals(values: tuple[Node, ...]) -> list[Literal]:
    if not all(isinstance(value, Literal) for value in values):
        raise FilterError("syntax", "'in' takes constants only.")
    return [value for value in values if isinstance(value, Literal)]
