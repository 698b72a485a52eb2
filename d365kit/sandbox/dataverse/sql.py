"""``sql=`` → rows of one table: the SELECT the vendor's Python client sends. Source: dataverse.md section 5."""

from __future__ import annotations

import re
from decimal import Decimal
from json import dumps

from d365kit.sandbox.dataverse import pages as pages
from d365kit.sandbox.dataverse.call import Call, applied, bad_query, refuse
from d365kit.sandbox.dataverse.security import require
from d365kit.sandbox.odata.emit_dataverse import DataverseEmitter, like_pattern
from d365kit.sandbox.odata.filters import FilterError
from d365kit.sandbox.schema import Column, Table
from d365kit.sandbox.wire import Refusal, Reply

ROWS_MAXIMUM = 5_000
_TOKEN = re.compile(
    r"\s*(?:(?P<text>N?'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*(?:\.\w+)?)"
    r"|(?P<mark><>|!=|<=|>=|[=<>(),*;]))"
)
_SIGNS = {"=": "eq", "<>": "ne", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def queried(call: Call, table: Table) -> Reply:
    """Return the rows of a SELECT on the set's own table (conformance.md 173)."""
    require(call, table, "Read")
    select = _Select(call, table, call.request.option("sql") or "")
    try:
        select.read()
    except FilterError as error:
        raise bad_query(table, error.reason, error.text) from error
    except ValueError as error:
        raise _bad(str(error)) from error
    patterns = pages.wanted_annotations(call.request.preferences.get("odata.include-annotations"))
    rows = pages.render(
        call.store,
        table,
        pages.with_key(table, select.columns),
        select.where,
        select.emitter.parameters,
        tuple(select.order),
        min(select.top, ROWS_MAXIMUM),
        (),
        patterns,
    )
    names = ",".join(column.name for column in select.columns)
    head = f'{{"@odata.context":{dumps(f"{call.root}/$metadata#{table.set}({names})")},"value":['
    return Reply(body=head.encode() + b",".join(row[0] for row in rows) + b"]}", headers=applied(call.request))


class _Select:
    """A parser of one SELECT: TOP, columns, FROM, WHERE and ORDER BY of a single table."""

    def __init__(self, call: Call, table: Table, text: str) -> None:
        self.table, self.emitter = table, DataverseEmitter(table, call.schema, call.user)
        self.tokens, self.at = _tokens(text), 0
        self.columns: tuple[Column, ...] = ()
        self.order: list[tuple[Column, bool]] = []
        self.where, self.top, self.alias = "1", ROWS_MAXIMUM, table.entity

    def read(self) -> None:
        """Read the whole statement."""
        self.expect("select")
        if self.accept("top"):
            bracket = self.accept("(")
            self.top = int(self.take())
            if bracket:
                self.expect(")")
        names = self.names()
        self.expect("from")
        if self.take().lower() != self.table.entity:
            raise _bad(f"The statement must read from '{self.table.entity}'.")
        if self.peek().lower() not in ("where", "order", "", ";"):
            self.accept("as")
            self.alias = self.take()
        self.columns = tuple(self.table.columns.values()) if names == ["*"] else self.found(names)
        if self.accept("where"):
            self.where = self.disjunction()
        if self.accept("order"):
            self.expect("by")
            self.order = self.ordering()
        self.accept(";")
        if self.peek():
            raise _bad(f"'{self.peek()}' is not supported in a SELECT here.")

    def names(self) -> list[str]:
        names = [self.take()]
        while self.accept(","):
            names.append(self.take())
        return names

    def found(self, names: list[str]) -> tuple[Column, ...]:
        return tuple(dict.fromkeys(self.column(name) for name in names))

    def column(self, name: str) -> Column:
        owner, _, last = name.rpartition(".")
        column = self.table.attribute(last.lower())
        if column is None or (owner and owner.lower() not in (self.alias.lower(), self.table.entity)):
            raise _bad(f"Invalid column name '{name}'.")
        return column

    def ordering(self) -> list[tuple[Column, bool]]:
        found = []
        while True:
            column = self.column(self.take())
            descending = self.accept("desc")
            if not descending:
                self.accept("asc")
            found.append((column, descending))
            if not self.accept(","):
                return found

    def disjunction(self) -> str:
        tests = [self.conjunction()]
        while self.accept("or"):
            tests.append(self.conjunction())
        return f"({' OR '.join(tests)})"

    def conjunction(self) -> str:
        tests = [self.test()]
        while self.accept("and"):
            tests.append(self.test())
        return f"({' AND '.join(tests)})"

    def test(self) -> str:
        if self.accept("not"):
            return f"NOT ifnull({self.test()}, 0)"
        if self.accept("("):
            inner = self.disjunction()
            self.expect(")")
            return inner
        column = self.column(self.take())
        left = self.emitter.path((column.name,))
        if self.accept("is"):
            negated = self.accept("not")
            self.expect("null")
            return f"{left.sql} IS {'NOT ' if negated else ''}NULL"
        negated = self.accept("not")
        if self.accept("in"):
            self.expect("(")
            values = [_constant(name) for name in self.names()]
            self.expect(")")
            return self.emitter.function("NotIn" if negated else "In", left, None, values)
        if self.accept("between"):
            low = _constant(self.take())
            self.expect("and")
            name = "NotBetween" if negated else "Between"
            return self.emitter.function(name, left, None, [low, _constant(self.take())])
        if self.accept("like"):
            found = self.emitter.like_whole(left, like_pattern(_constant(self.take())))
            return f"NOT ifnull({found}, 0)" if negated else found
        sign = self.take()
        if sign not in _SIGNS or negated:
            raise _bad(f"Incorrect syntax near '{sign}'.")
        return self.emitter.plain(left, _constant(self.take()), _SIGNS[sign])

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        if not token:
            raise _bad("The statement ends too early.")
        self.at += 1
        return token

    def accept(self, word: str) -> bool:
        if self.peek().lower() == word:
            self.at += 1
            return True
        return False

    def expect(self, word: str) -> None:
        token = self.take()
        if token.lower() != word:
            raise _bad(f"Incorrect syntax near '{token}': '{word.upper()}' expected.")


def _tokens(text: str) -> list[str]:
    tokens, position, end = [], 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise _bad(f"Incorrect syntax near '{text[position:].strip()[:20]}'.")
        tokens.append(match.group(match.lastgroup or 0))
        position = match.end()
    return tokens


def _constant(token: str) -> str:
    text = token.removeprefix("N") if token.startswith("N'") else token
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    try:
        Decimal(text)
    except ArithmeticError:
        raise _bad(f"'{token}' is not a constant.") from None
    return text


def _bad(text: str) -> Refusal:
    return refuse(400, "0x80048d0b", text)
