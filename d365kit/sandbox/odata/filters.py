"""$filter text → syntax tree: a tokenizer and a Pratt parser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from json import loads

from d365kit.sandbox.wire import canonical_guid


class FilterError(Exception):
    """A filter the service refuses. ``reason`` is syntax, property, value, unsupported, distinct or length."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason, self.text = reason, text


@dataclass(frozen=True)
class Literal:
    """A constant; ``kind`` is text, guid, number, bool, date, datetime or null."""

    kind: str
    value: str | Decimal | bool | None


@dataclass(frozen=True)
class Path:
    """A property, or a navigation and a property of its target."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """A function with positional arguments."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class NamedCall:
    """A function with named arguments: those of Dataverse."""

    name: str
    arguments: dict[str, object]


@dataclass(frozen=True)
class Compare:
    """A comparison by eq, ne, gt, ge, lt or le."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Logic:
    """Two conditions joined by and, or."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Not:
    """A negated condition."""

    inner: Node


@dataclass(frozen=True)
class In:
    """A value that must be one of a list."""

    left: Node
    values: tuple[Node, ...]


@dataclass(frozen=True)
class Lambda:
    """any or all over a collection; ``inner`` is None for a bare any()."""

    path: tuple[str, ...]
    kind: str
    variable: str = ""
    inner: Node | None = None


Node = Literal | Path | Call | NamedCall | Compare | Logic | Not | In | Lambda

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>'(?:[^']|'')*')
  | (?P<array>\[(?:"(?:[^"\\]|\\.)*"|[^\]"])*\])
  | (?P<guid>[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})
  | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)
  | (?P<date>\d{4}-\d\d-\d\d)
  | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[LMDFlmdf]?)
  | (?P<name>[@A-Za-z_][\w.@]*)
  | (?P<mark>[(),/:=])
  )""",
    re.X,
)
_COMPARISONS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})
_ARITHMETIC = frozenset({"add", "sub", "mul", "div", "mod", "has"})
_POWER = {"or": 1, "and": 2} | dict.fromkeys(_COMPARISONS | {"in"}, 4)
_PREFIX_NOT = 3

Token = tuple[str, str]


def tokenize(text: str) -> list[Token]:
    """Return (kind, text) pairs; FilterError for an open quote or an unknown character.

    >>> tokenize("a eq 'O''B'")
    [('name', 'a'), ('name', 'eq'), ('text', "'O''B'")]
    """
    tokens, position, end = [], 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            rest = text[position:].lstrip()
            if rest.startswith("'"):
                raise FilterError("syntax", f"There is an unterminated string literal at position {position}.")
            raise FilterError("syntax", f"Syntax error at position {position} in '{text}'.")
        tokens.append((str(match.lastgroup), match.group(match.lastgroup or 0)))
        position = match.end()
    return tokens


def parse_filter(text: str, aliases: dict[str, str] | None = None) -> Node:
    """Return the tree of a filter. ``aliases`` holds the values of parameters such as ``@a``."""
    return _Parser(tokenize(text), text, aliases or {}).whole()


class _Parser:
    """A Pratt parser over the tokens of one filter."""

    def __init__(self, tokens: list[Token], text: str, aliases: dict[str, str]) -> None:
        self.tokens, self.text, self.aliases, self.at = tokens, text, aliases, 0

    def whole(self) -> Node:
        node = self.expression(0)
        if self.at != len(self.tokens):
            raise self.error(f"found '{self.tokens[self.at][1]}' where the expression should end")
        return node

    def error(self, what: str) -> FilterError:
        return FilterError("syntax", f"Syntax error in '{self.text}': {what}.")

    def peek(self) -> Token:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self) -> Token:
        token = self.peek()
        self.at += 1
        return token

    def expect(self, mark: str) -> None:
        if self.take()[1] != mark:
            raise self.error(f"'{mark}' expected")

    def accept(self, mark: str) -> bool:
        if self.peek() == ("mark", mark):
            self.at += 1
            return True
        return False

    def expression(self, power: int) -> Node:
        left = self.prefix()
        while True:
            kind, word = self.peek()
            if kind == "name" and word in _ARITHMETIC:
                raise FilterError("unsupported", f"The operator '{word}' is not supported in a filter.")
            strength = _POWER.get(word, 0) if kind == "name" else 0
            if strength <= power:
                return left
            self.at += 1
            left = self.infix(word, strength, left)

    def infix(self, word: str, strength: int, left: Node) -> Node:
        if word == "in":
            return In(left, self.arguments())
        right = self.expression(strength)
        return Compare(word, left, right) if word in _COMPARISONS else Logic(word, left, right)

    def prefix(self) -> Node:
        kind, text = self.take()
        if kind == "mark" and text == "(":
            node = self.expression(0)
            self.expect(")")
            return node
        if kind == "name":
            if text == "not":
                return Not(self.expression(_PREFIX_NOT))
            return self.name(text)
        return self.literal(kind, text)

    def literal(self, kind: str, text: str) -> Literal:
        if kind == "text":
            return Literal("text", text[1:-1].replace("''", "'"))
        if kind == "guid":
            return Literal("guid", canonical_guid(text))
        if kind == "number":
            return Literal("number", Decimal(text.rstrip("LMDFlmdf")))
        if kind in ("date", "datetime"):
            return Literal(kind, text)
        raise self.error(f"unexpected '{text or 'end'}'")

    def name(self, text: str) -> Node:
        if text in ("true", "false"):
            return Literal("bool", text == "true")
        if text == "null":
            return Literal("null", None)
        if text.startswith("@"):
            return parse_filter(self.aliases.get(text, "null"))
        if self.peek() == ("mark", "("):
            return self.call(text)
        names = [text]
        while self.accept("/"):
            names.append(self.take()[1])
            if names[-1] in ("any", "all") and self.accept("("):
                return self.any_all(tuple(names[:-1]), names[-1])
        return Path(tuple(names))

    def call(self, name: str) -> Node:
        if "." in name:
            return NamedCall(name.rsplit(".", 1)[1], self.named_arguments())
        return Call(name, self.arguments())

    def arguments(self) -> tuple[Node, ...]:
        self.expect("(")
        found: list[Node] = []
        if self.accept(")"):
            return ()
        while True:
            found.append(self.expression(0))
            if self.accept(")"):
                return tuple(found)
            self.expect(",")

    def named_arguments(self) -> dict[str, object]:
        self.expect("(")
        found: dict[str, object] = {}
        while not self.accept(")"):
            name = self.take()[1]
            self.expect("=")
            kind, text = self.take()
            found[name] = loads(text) if kind == "array" else self.literal(kind, text).value
            self.accept(",")
        return found

    def any_all(self, path: tuple[str, ...], kind: str) -> Lambda:
        if self.accept(")"):
            return Lambda(path, kind)
        variable = self.take()[1]
        self.expect(":")
        inner = self.expression(0)
        self.expect(")")
        return Lambda(path, kind, variable, inner)
