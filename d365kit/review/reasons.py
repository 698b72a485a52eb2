"""The reasons of proposals → a few codes to filter by, told from their words."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

#: Code, what screens call it, and what its reasons contain (a regular expression). The first that fits counts.
REASONS = (
    ("tie", "equally good candidates", "equally good|^several:"),
    ("hidden", "a partner hidden by the mapping's filter", " in (Business Central|Sales) is "),
    ("already", "the partner is coupled already", "^already coupled:"),
    ("no_criteria", "nothing to compare by", "^no criteria:"),
    ("nothing", "no candidate", "no candidate on the other side|^no match:"),
    ("twice", "perhaps twice", "perhaps twice"),
    ("branch", "perhaps another branch", "branch"),
    ("sister", "a sister company", "sister"),
    ("rival", "another good candidate is free", "another good candidate"),
    ("place", "nothing tells the place", "whether the place"),
    ("name", "the name differs", "name differs"),
    ("number", "the number differs", "(number|code) differs"),
    ("address", "address or place differs", "(address|city|post code|country|place) differs"),
    ("differs", "something else differs", "differs"),
    ("agrees", "all agrees", ""),
)
TITLES = {code: title for code, title, _ in REASONS}
CODES = tuple(code for code, _, _ in REASONS)


def codes_of(reasons: pa.Array) -> np.ndarray:
    """For each reason the place of its code in ``CODES``.

    >>> [CODES[n] for n in codes_of(pa.array(["same name, city differs", None, "two equally good candidates"]))]
    ['address', 'agrees', 'tie']
    """
    encoded = reasons.dictionary_encode()
    words = pc.fill_null(encoded.dictionary, "")
    code = np.full(len(words), len(CODES) - 1, dtype=np.int8)
    for at in range(len(REASONS) - 2, -1, -1):
        found = pc.match_substring_regex(words, REASONS[at][2]).to_numpy(zero_copy_only=False)
        code[found.astype(bool)] = at
    where = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return np.where(where >= 0, code[where] if len(code) else 0, len(CODES) - 1).astype(np.int8)
