"""Named comparison templates: the levels of agreement of a name, a place, a code, most telling first.

A level holds its word for the evidence, a phrase for the reason, a condition in SQL over the normalised
columns of both sides, and the shares of true pairs (m) and of other candidates (u) expected at that level
before any data was seen. The figures are only where training starts and what little data falls back to.
"""

from __future__ import annotations

from dataclasses import dataclass

MISSING = "missing"


@dataclass(frozen=True)
class Level:
    """One level of a comparison; ``{name}`` in the condition stands for a normalised column.

    A level with ``least`` needs texts whose cosine (see `grams`) is at least so large; without a condition of its
    own that is all it needs. A ``loose`` level stands in no order with the others; the rest go from best to worst.
    """

    word: str
    says: str
    condition: str
    m: float
    u: float
    least: float = 0.0
    loose: bool = False


@dataclass(frozen=True)
class Template:
    """The condition under which nothing can be compared, and the levels, best first, the last one “else”.

    ``near`` names the column whose texts' cosine the levels with ``least`` ask for.
    """

    missing: str
    levels: tuple[Level, ...]
    near: str = ""


def _either_null(column: str) -> str:
    return f"{{{column}}}_l IS NULL OR {{{column}}}_r IS NULL"


def _few_edits(column: str, per: int) -> str:
    """One slip is allowed in any text, and one more for every ``per`` letters.

    The quick similarity before the slow one rules out nearly all texts that are farther apart.
    """
    left, right = f"{{{column}}}_l", f"{{{column}}}_r"
    return (
        f"(abs(length({left}) - length({right})) <= greatest(1, length({left}) // {per}) AND "
        f"least(length({left}), length({right})) >= 4 AND jaro_winkler_similarity({left}, {right}) >= 0.8 AND "
        f"damerau_levenshtein({left}, {right}) <= greatest(1, least(length({left}), length({right})) // {per}))"
    )


_SAME_WORDS = "(list_has_all({words}_l, {words}_r) OR list_has_all({words}_r, {words}_l))"
_SAME_SIZES = "coalesce(array_to_string({sizes}_l, ' '), '') = coalesce(array_to_string({sizes}_r, ' '), '')"
_SIZES_FIT = (
    "({sizes}_l IS NULL OR {sizes}_r IS NULL OR list_has_all({sizes}_l, {sizes}_r) "
    "OR list_has_all({sizes}_r, {sizes}_l))"
)
_OTHER_FIGURES = (
    "coalesce({figures}_l, '') <> coalesce({figures}_r, '') AND "
    "(list_has_any({words}_l, {words}_r) OR ({figures}_l IS NOT NULL AND {figures}_r IS NOT NULL))"
)
ELSE = "ELSE"


def _differs(m: float, u: float) -> Level:
    return Level("differs", "{f} differs", ELSE, m, u)


TEMPLATES: dict[str, Template] = {
    "company_name": Template(
        _either_null("plain"),
        (
            Level("exact", "same {f}", "{key}_l = {key}_r OR {plain}_l = {plain}_r", 0.70, 0.03),
            Level("figures", "other figures in the {f}", _OTHER_FIGURES, 0.01, 0.03, loose=True),
            Level(
                "close",
                "{f} differs slightly",
                f"{_few_edits('plain', 6)} OR {_few_edits('key', 6)}",
                0.12,
                0.01,
                loose=True,
            ),
            Level("contained", "one {f} contains the other", _SAME_WORDS, 0.05, 0.01, 0.7, loose=True),
            Level("part", "one {f} contains the other", _SAME_WORDS, 0.03, 0.03, loose=True),
            Level("near", "very similar {f}", "", 0.03, 0.01, 0.75),
            Level("similar", "similar {f}", "", 0.03, 0.05, 0.55),
            Level("somewhat", "somewhat similar {f}", "", 0.02, 0.15, 0.35),
            _differs(0.02, 0.68),
        ),
        near="key",
    ),
    "person_name": Template(
        _either_null("key"),
        (
            Level("exact", "same {f}", "{key}_l = {key}_r", 0.78, 0.03),
            Level("close", "{f} differs slightly", _few_edits("key", 8), 0.10, 0.01),
            Level(
                "initials",
                "same family name and first letter",
                "{family}_l = {family}_r AND {initial}_l = {initial}_r",
                0.06,
                0.02,
            ),
            Level(
                "similar",
                "similar {f}",
                f"jaro_winkler_similarity({{key}}_l, {{key}}_r) >= 0.9 OR {_SAME_WORDS}",
                0.04,
                0.04,
            ),
            _differs(0.02, 0.90),
        ),
    ),
    "item_name": Template(
        _either_null("key"),
        (
            Level("exact", "same {f}", "{key}_l = {key}_r", 0.60, 0.02),
            Level(
                "close",
                "{f} differs slightly",
                f"({_few_edits('plain', 5)} OR {{plain}}_l = {{plain}}_r) AND {_SAME_SIZES}",
                0.12,
                0.02,
            ),
            Level("contained", "one {f} contains the other", f"{_SAME_WORDS} AND {_SIZES_FIT}", 0.08, 0.02),
            Level("near", "very similar {f}", _SIZES_FIT, 0.08, 0.02, 0.7),
            Level("similar", "similar {f}", _SIZES_FIT, 0.05, 0.04, 0.5),
            Level("somewhat", "somewhat similar {f}", _SIZES_FIT, 0.03, 0.08, 0.3),
            Level("figures", "same words in the {f}, other figures", _SAME_WORDS, 0.01, 0.15, loose=True),
            Level("figures too", "similar {f}, other figures", "", 0.01, 0.15, 0.5, loose=True),
            _differs(0.02, 0.50),
        ),
        near="key",
    ),
    "identifier": Template(
        _either_null("value"),
        (
            Level("exact", "same {f}", "{value}_l = {value}_r", 0.75, 0.03),
            Level("close", "{f} differs slightly", _few_edits("value", 9), 0.05, 0.02),
            _differs(0.20, 0.95),
        ),
    ),
    "record_number": Template(
        _either_null("value"),
        (
            Level("exact", "same {f}", "{value}_l = {value}_r", 0.75, 0.02),
            Level("figures", "same figures in the {f}", "{figures}_l = {figures}_r", 0.04, 0.01),
            _differs(0.21, 0.97),
        ),
    ),
    "phones": Template(
        _either_null("value"),
        (
            Level("exact", "same {f}", "list_has_any({value}_l, {value}_r)", 0.70, 0.04),
            Level(
                "close",
                "{f} differs slightly",
                "jaro_winkler_similarity({value}_l[1], {value}_r[1]) >= 0.8 "
                "AND damerau_levenshtein({value}_l[1], {value}_r[1]) <= 1",
                0.04,
                0.02,
            ),
            _differs(0.26, 0.94),
        ),
    ),
    "company_mail": Template(
        f"({_either_null('mail')}) AND ({_either_null('domains')})",
        (
            Level("exact", "same {f}", "{mail}_l = {mail}_r", 0.60, 0.02),
            Level("domain", "same web or mail domain", "list_has_any({domains}_l, {domains}_r)", 0.22, 0.06),
            Level("close", "{f} differs slightly", _few_edits("mail", 9), 0.03, 0.01),
            _differs(0.15, 0.91),
        ),
    ),
    "person_mail": Template(
        _either_null("mail"),
        (
            Level("exact", "same {f}", "{mail}_l = {mail}_r", 0.75, 0.02),
            Level("close", "{f} differs slightly", _few_edits("mail", 9), 0.06, 0.01),
            Level("name part", "same {f} before the @", "{box}_l = {box}_r", 0.04, 0.02),
            _differs(0.15, 0.95),
        ),
    ),
    "place": Template(
        f"({_either_null('post')}) AND ({_either_null('city')})",
        (
            Level("exact", "same {f}", "{post}_l = {post}_r", 0.82, 0.12),
            Level(
                "close",
                "{f} differs slightly",
                "damerau_levenshtein({post}_l, {post}_r) <= 1 AND coalesce({city}_l = {city}_r, TRUE)",
                0.05,
                0.06,
            ),
            Level("city", "same city", "jaro_winkler_similarity({city}_l, {city}_r) >= 0.93", 0.06, 0.10),
            _differs(0.07, 0.72),
        ),
    ),
    "street": Template(
        _either_null("street"),
        (
            Level(
                "exact",
                "same {f}",
                "{street}_l = {street}_r AND {house}_l IS NOT DISTINCT FROM {house}_r",
                0.70,
                0.04,
            ),
            Level(
                "close",
                "{f} differs slightly",
                f"({_few_edits('street', 6)} OR {{street}}_l = {{street}}_r) "
                "AND coalesce({house}_l = {house}_r, TRUE)",
                0.12,
                0.02,
            ),
            Level("street", "same street, another house", "{street}_l = {street}_r", 0.04, 0.03),
            _differs(0.14, 0.91),
        ),
    ),
    "same": Template(
        _either_null("value"),
        (Level("exact", "same {f}", "{value}_l = {value}_r", 0.95, 0.70), _differs(0.05, 0.30)),
    ),
    "amount": Template(
        _either_null("value"),
        (
            Level("exact", "same {f}", "abs({value}_l - {value}_r) < 0.005", 0.70, 0.06),
            Level(
                "close",
                "{f} differs slightly",
                "abs({value}_l - {value}_r) <= 0.05 * greatest(abs({value}_l), abs({value}_r))",
                0.14,
                0.08,
            ),
            _differs(0.16, 0.86),
        ),
    ),
    "coupled": Template(
        "{ref}_l IS NULL OR {ref}_r IS NULL OR NOT ({known}_l OR {known}_r)",
        (Level("coupled", "same {f}, coupled", "{ref}_l = {ref}_r", 0.93, 0.40), _differs(0.07, 0.60)),
    ),
    "parent_company": Template(
        f"({{ref}}_l IS NULL OR {{ref}}_r IS NULL OR NOT ({{known}}_l OR {{known}}_r)) AND ({_either_null('plain')})",
        (
            Level("coupled", "{f}s coupled to each other", "{ref}_l = {ref}_r", 0.62, 0.05),
            Level(
                "another",
                "their {f}s belong to others",
                "({known}_l OR {known}_r) AND {ref}_l <> {ref}_r",
                0.01,
                0.45,
            ),
            Level("exact", "same {f} by name", "{key}_l = {key}_r OR {plain}_l = {plain}_r", 0.25, 0.04),
            Level(
                "close",
                "similar {f} by name",
                f"{_few_edits('plain', 6)} OR {_few_edits('key', 6)} OR {_SAME_WORDS}",
                0.08,
                0.03,
            ),
            _differs(0.04, 0.43),
        ),
    ),
}
