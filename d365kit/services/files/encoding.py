"""Bytes → text: by byte order mark, else UTF-8, else the old code page under which the words look right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from d365kit.errors import SettingsError

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
)  # fmt: skip
#: In the order of how common they are in exports; the first of equals is taken.
_PAGES = ("cp1252", "cp1250", "cp1257", "cp1254", "cp1251", "cp1253", "cp850", "cp437", "mac_roman")
_NAMES = {
    "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32": "UTF-32",
    "cp850": "DOS 850", "cp437": "DOS 437", "mac_roman": "Mac Roman",
}  # fmt: skip
_WESTERN = set("äöüßÄÖÜéèêëàâçîïôûùœÉÈÀÇñÑáíóúÁÍÓÚåÅøØæÆãõÃÕìòÒºª§°€£’“”„–")
_CENTRAL = set("ąćęłńóśźżĄĆĘŁŃÓŚŹŻěščřžýáíéúůďťňĚŠČŘŽÝÁÍÉÚŮĎŤŇőűŐŰľĺŕäôăâîșțşţđĐöüßÄÖÜë§€’“”„–")
_BALTIC = set("āčēģīķļņšūžĀČĒĢĪĶĻŅŠŪŽąęėįųĄĘĖĮŲõäöü")
_TURKISH = set("ğĞıİşŞçÇöÖüÜ")
#: What the UTF-8 of western letters looks like when it was once taken for Windows-1252.
_TWICE = ("Ã¼", "Ã¶", "Ã¤", "ÃŸ", "Ã©", "Ã¨", "Ã±", "Ã³", "Ã¸", "Ã¥", "â‚¬", "Ä…", "Å‚", "Å¡")
_EXAMINED = 400_000
_BEGINNING = 10_000_000
#: Code pages whose marks differ by less are asked of charset-normalizer, which knows languages.
_NEARLY = 0.12


def decode(path: Path, data: bytes) -> tuple[str, tuple[str, ...]]:
    """Return the text of ``data``, and what an analyst should know about how it was read.

    Raises SettingsError for bytes that are no text.
    """
    mark = next((name for begin, name in _MARKS if data.startswith(begin)), "")
    if mark:
        return _text(path, data, mark)
    if b"\0" in data[:4096]:
        even, odd = data[0:4096:2].count(0), data[1:4096:2].count(0)
        if max(even, odd) > 0.3 * min(len(data), 4096) / 2:
            return _text(path, data, "utf-16-be" if even > odd else "utf-16-le")
        raise SettingsError(f"{path} is not a text, a workbook or Parquet.", "Export the records as CSV or Excel.")
    try:
        return _checked(data.decode("utf-8"), ())
    except UnicodeDecodeError:
        page = _page(data[:_EXAMINED])
    text = data.decode(page, "replace")
    name = _NAMES.get(page, page.replace("cp", "Windows-"))
    return _checked(text, (f"the text was read as {name}; look at a name with an accent",))


def _text(path: Path, data: bytes, encoding: str) -> tuple[str, tuple[str, ...]]:
    try:
        return _checked(data.decode(encoding), ())
    except UnicodeDecodeError as problem:
        raise SettingsError(
            f"{path} says it is {_NAMES[encoding]} and is not: byte {problem.start:,} is wrong.",
            "The file is damaged or mixes encodings; export it again, best as CSV UTF-8.",
        ) from problem


def _checked(text: str, notes: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    return text.removeprefix("\ufeff"), (*notes, *_remarks(text.count))


def remarks(data: bytes) -> tuple[str, ...]:
    """What an analyst should know about a text in UTF-8: letters that were lost, or (by its beginning) spoilt."""
    return _remarks(lambda text: data.count(text.encode(), 0, None if text == "\ufffd" else _BEGINNING))


def _remarks(count: Callable[[str], int]) -> tuple[str, ...]:
    notes: tuple[str, ...] = ()
    if lost := count("\ufffd"):
        notes += (f"{lost:,} characters were lost before this file was written (they show as “\ufffd”)",)
    if sum(count(t) for t in _TWICE) > 2:
        notes += ("some texts look as if they were converted twice (“Ã¼” for “ü”); export again as UTF-8",)
    return notes


def _page(examined: bytes) -> str:
    """The code page under which most letters make sense; between equals charset-normalizer decides."""
    marks: dict[str, float] = {}
    for page in _PAGES:
        try:
            marks[page] = _sense(examined.decode(page), page)
        except UnicodeDecodeError:
            continue
    if not marks:
        return "cp1252"
    best = max(marks.values())
    equal = [p for p in _PAGES if p in marks and marks[p] >= best - _NEARLY]
    if len({examined.decode(p) for p in equal}) > 1:
        from charset_normalizer import from_bytes

        found = from_bytes(examined, cp_isolation=equal).best()
        return found.encoding if found is not None and found.encoding in equal else equal[0]
    return equal[0]


def _sense(text: str, page: str) -> float:
    """How much the letters beyond ASCII look like words: expected letters count, odd places count against."""
    expected = {"cp1250": _CENTRAL, "cp1257": _BALTIC, "cp1254": _TURKISH}.get(page, _WESTERN)
    total, mark = 0, 0.0
    for i, letter in enumerate(text):
        if letter < "\x80":
            continue
        total += 1
        before, after = text[i - 1 : i], text[i + 1 : i + 2]
        if not letter.isprintable():
            mark -= 3
        elif letter.isalpha():
            cyrillic_or_greek = page in ("cp1251", "cp1253") and letter > "\u0370"
            mark += 1.0 if letter in expected or cyrillic_or_greek else -0.5
            # Scripts do not mix within a word.
            if cyrillic_or_greek and ("a" <= before.lower() <= "z" or "a" <= after.lower() <= "z"):
                mark -= 2.5
        else:
            mark += 0.3 if letter in expected else -0.7
            if before.isalpha() and after.isalpha() and letter not in "’–":
                mark -= 1.5
    return mark / max(total, 1)
