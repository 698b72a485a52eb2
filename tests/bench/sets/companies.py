"""A size, a seed and a recipe → two tables of companies that know the same firms differently, and the truth."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from random import Random
from zlib import crc32

from tests.bench.sets import numbers
from tests.bench.sets.countries import COUNTRIES, EXONYMS, Country
from tests.bench.sets.dirt import fold, garbled, spelt, typo, wrong_digit
from tests.bench.sets.languages import Language
from tests.bench.sets.writing import LEFT, LEFT_TWICE, RIGHT, RIGHT_TWICE, Rows, presence, write

COLUMNS = ("number", "name", "address", "address2", "city", "postcode", "country", "phone", "email", "website", "vat",
           "regno", "contact")  # fmt: skip
ALONE, TWICE = 0.30, 0.03


@dataclass(frozen=True)
class Missing:
    """How often each field of a record is empty; a name never is."""

    number: float = 0.25
    address: float = 0.15
    city: float = 0.10
    postcode: float = 0.18
    country: float = 0.12
    phone: float = 0.25
    email: float = 0.30
    website: float = 0.35
    vat: float = 0.30
    regno: float = 0.35
    contact: float = 0.35


@dataclass(frozen=True)
class Dirt:
    """How often each kind of dirt falls on a record that has the field."""

    form_dropped: float = 0.22
    form_otherwise: float = 0.30
    words_short: float = 0.15
    trade_dropped: float = 0.04
    reordered: float = 0.03
    trading_name: float = 0.03
    appended: float = 0.04
    upper: float = 0.08
    folded: float = 0.08
    spelt: float = 0.06
    garbled: float = 0.02
    name_typo: float = 0.06
    cut_30: float = 0.02
    cut_50: float = 0.04
    moved: float = 0.05
    street_short: float = 0.35
    address_typo: float = 0.05
    city_typo: float = 0.02
    city_otherwise: float = 0.10
    postcode_prefix: float = 0.05
    postcode_bare: float = 0.15
    postcode_wrong: float = 0.02
    phone_other: float = 0.10
    mail_person: float = 0.25
    mail_free: float = 0.03
    vat_bare: float = 0.20
    vat_spaced: float = 0.15
    vat_wrong: float = 0.02
    number_old: float = 0.15
    number_otherwise: float = 0.15
    number_anothers: float = 0.01
    contact_other: float = 0.20
    other_script: float = 0.70


@dataclass(frozen=True)
class Recipe:
    """What a set of companies is made with."""

    branches: float
    sisters: float
    left: Dirt
    right: Dirt
    missing_left: Missing
    missing_right: Missing


def _times(dirt: Dirt, factor: float) -> Dirt:
    return Dirt(**{part.name: min(0.9, getattr(dirt, part.name) * factor) for part in fields(dirt)})


def _missing_times(missing: Missing, factor: float) -> Missing:
    return Missing(**{part.name: min(0.95, getattr(missing, part.name) * factor) for part in fields(missing)})


_HARD_MISSING = Missing(
    number=0.60, address=0.42, city=0.32, postcode=0.45, country=0.35, phone=0.52, email=0.56, website=0.60, vat=0.62,
    regno=0.66, contact=0.60,
)  # fmt: skip
_HARD = replace(Dirt(), moved=0.15, name_typo=0.12, address_typo=0.10, city_typo=0.05, trading_name=0.05,
                trade_dropped=0.06, vat_wrong=0.04, appended=0.06)  # fmt: skip
RECIPES = {
    "companies": Recipe(
        0.03, 0.03, replace(_times(Dirt(), 0.3), moved=0.0, other_script=0.35, number_old=0.0, number_anothers=0.0),
        Dirt(), _missing_times(Missing(), 0.7), Missing(),
    ),
    "companies_hard": Recipe(
        0.10, 0.10, replace(_times(_HARD, 0.4), moved=0.0, other_script=0.35, number_old=0.0, number_anothers=0.0),
        _HARD, _HARD_MISSING, _HARD_MISSING,
    ),
}  # fmt: skip


def make(name: str, folder: Path, size: int, seed: int, dirt: float) -> Path:
    """The name of a set of companies, its folder, size, seed and dirt → the folder with its four files."""
    recipe = RECIPES[name]
    recipe = replace(
        recipe,
        left=_times(recipe.left, dirt),
        right=_times(recipe.right, dirt),
        missing_left=_missing_times(recipe.missing_left, dirt),
        missing_right=_missing_times(recipe.missing_right, dirt),
    )
    key = f"{name}:{seed}"
    return write(folder, COLUMNS, presence(size, ALONE, TWICE, key), chunk, key, recipe=recipe)


def chunk(flags: bytes, at: int, rng: Random, recipe: Recipe) -> Rows:
    """Flags of a run of entities → their records on both sides."""
    firms = _firms(len(flags), at, rng, recipe)
    again = _times(recipe.right, 1.5)
    rows: Rows = ([], [])
    for place, (flag, firm) in enumerate(zip(flags, firms, strict=True)):
        for side, bit, twice, dirt, missing in (
            (0, LEFT, LEFT_TWICE, recipe.left, recipe.missing_left),
            (1, RIGHT, RIGHT_TWICE, recipe.right, recipe.missing_right),
        ):
            if flag & bit:
                another = firms[(place + 1 + int(rng.random() * 50)) % len(firms)].number
                rows[side].append((at + place, _record(firm, rng, dirt, missing, another)))
            if flag & twice:
                second = copy.copy(firm)
                second.number = f"{rng.randrange(9_999_991):07}"
                rows[side].append((at + place, _record(second, rng, again, missing, second.number)))
    return rows


# --- the world -------------------------------------------------------------------------------------------

_STARTS = [
    "Nor",
    "Vel",
    "Tec",
    "Lum",
    "Sol",
    "Aqua",
    "Bio",
    "Pro",
    "Inno",
    "Med",
    "Euro",
    "Trans",
    "Uni",
    "Omni",
    "Syn",
    "Al",
    "Ar",
    "Cor",
    "Del",
    "Fen",
    "Gal",
    "Hel",
    "Ker",
    "Lan",
    "Mar",
    "Nex",
    "Or",
    "Pan",
    "Quan",
    "Ral",
    "Ser",
    "Tal",
    "Ver",
    "Vis",
    "Xen",
    "Zen",
    "Opti",
    "Digi",
    "Eco",
    "Agri",
    "Flex",
    "Dyna",
    "Cyb",
    "Ter",
    "Ven",
    "Hydro",
    "Thermo",
    "Vario",
    "Ultra",
    "Con",
    "Mon",
    "Pol",
]
_MIDDLES = ("o", "a", "i", "e", "u", "ta", "no", "ra", "vi", "li", "mo", "ro", "ne", "")
_ENDS = [
    "tron",
    "tec",
    "tech",
    "dex",
    "lux",
    "nova",
    "nix",
    "max",
    "com",
    "plan",
    "pharm",
    "line",
    "wood",
    "mont",
    "ria",
    "tis",
    "gen",
    "sys",
    "lab",
    "med",
    "form",
    "plast",
    "flow",
    "cor",
    "ton",
    "via",
    "net",
    "mat",
    "zon",
    "san",
    "vit",
    "pac",
    "dur",
    "fix",
    "ware",
]
_LETTERS = "ABCDEFGHIKLMNPRSTVWZ"
_FREE = ("gmail.com", "gmail.com", "hotmail.com", "yahoo.com", "outlook.com", "gmx.net", "web.de", "icloud.com")
_DOMAIN_ENDS = (
    "24",
    "online",
    "web",
    "group",
    "company",
    "team",
    "world",
    "hq",
    "direct",
    "shop",
    "europe",
    "international",
)
_BOXES = ("info", "info", "info", "office", "contact", "mail", "sales", "kontakt", "admin")
_EXTRA = ("Postfach ~", "P.O. Box ~", "Building ~", "Floor ~", "Suite ~", "Unit ~", "Tor ~", "Bât. ~", "Etage ~")

Word = tuple[str, str]


class Firm:
    """One entity: what is true of it, before anybody writes it down."""

    __slots__ = (
        "area", "box", "city", "contact", "core", "country", "domain", "extra", "form", "free", "house", "kind",
        "local",
        "number", "postcode", "regno", "street", "trading", "vat", "words",
    )  # fmt: skip

    country: Country
    words: list[Word]
    core: int
    form: tuple[str, ...]
    trading: str
    street: Word
    house: str
    extra: str
    city: str
    postcode: str
    area: str
    local: str
    domain: str
    box: str
    free: str
    contact: tuple[str, str]
    vat: str
    regno: str
    number: str
    kind: str


def _firms(count: int, at: int, rng: Random, recipe: Recipe) -> list[Firm]:
    firms: list[Firm] = []
    plain: list[Firm] = []
    domains: set[str] = set()
    for place in range(count):
        lot = rng.random()
        if lot < recipe.branches and plain:
            firm = _branch(plain[-1 - int(rng.random() * min(len(plain), 200))], rng)
        elif lot < recipe.branches + recipe.sisters and plain:
            firm = _sister(plain[-1 - int(rng.random() * min(len(plain), 200))], rng, domains)
        else:
            firm = _firm(rng, domains)
            plain.append(firm)
        firm.number = f"{(at + place) * 4_827_131 % 9_999_991:07}"
        firms.append(firm)
    return firms


def _firm(rng: Random, domains: set[str]) -> Firm:
    firm = Firm()
    firm.country = COUNTRIES(rng)
    firm.kind = "plain"
    language = firm.country.language
    _settle(firm, rng)
    firm.words, firm.core = _words(firm, language, rng)
    firm.form = firm.country.forms(rng)
    firm.trading = _trading(firm, rng)
    firm.contact = (language.firsts(rng), surname(language, rng))
    firm.domain = _domain(firm, rng, domains)
    firm.box = rng.choice(_BOXES)
    firm.free = ""
    if rng.random() < 0.08:
        mark = _slug(firm.words[0][0], firm) or "office"
        firm.free = f"{mark}{rng.choice(('', '.', '-'))}{rng.randrange(10, 99)}@{rng.choice(_FREE)}"
    _register(firm, rng)
    return firm


def _branch(base: Firm, rng: Random) -> Firm:
    """A firm → another site of it: the same name, tax number and domain elsewhere."""
    firm = copy.copy(base)
    firm.kind = "branch"
    _settle(firm, rng, within=base.city if rng.random() < 0.2 else "")
    if rng.random() < 0.15:
        firm.words = [*base.words, (firm.city, firm.city)]
    if rng.random() < 0.5:
        firm.box = _slug(firm.city, firm) or base.box
    if rng.random() < 0.7:
        firm.contact = (firm.country.language.firsts(rng), surname(firm.country.language, rng))
    return firm


def _sister(base: Firm, rng: Random, domains: set[str]) -> Firm:
    """A firm → a holding, a property company or another sister of the same stem."""
    firm = copy.copy(base)
    firm.kind = "sister"
    stem = base.words[: base.core] if rng.random() < 0.75 else base.words
    firm.words, firm.core = [*stem, rng.choice(firm.country.language.groups)], len(stem) + 1
    firm.form = firm.country.forms(rng)
    firm.trading = _trading(firm, rng)
    if rng.random() < 0.45:
        _settle(firm, rng, within=base.city if rng.random() < 0.5 else "")
    elif rng.random() < 0.65:
        firm.local = _local(firm.country, rng)
    if rng.random() < 0.4:
        firm.domain = _domain(firm, rng, domains)
    if rng.random() < 0.5:
        firm.contact = (firm.country.language.firsts(rng), surname(firm.country.language, rng))
    _register(firm, rng)
    return firm


def _register(firm: Firm, rng: Random) -> None:
    code = firm.country.code
    firm.vat = numbers.tax_number(code, rng)
    firm.regno = numbers.company_number(code, firm.vat, rng)


def surname(language: Language, rng: Random) -> str:
    """A language → a surname: more often one of the frequent ones."""
    if rng.random() < 0.48:
        return language.surnames(rng)
    return rng.choice(language.name_starts) + rng.choice(language.name_ends)


def brand(rng: Random) -> str:
    """A random source → a made-up word of the kind firms are named with."""
    middle = rng.choice(_MIDDLES)
    if rng.random() < 0.4:
        middle += rng.choice("lmnrstv") + rng.choice("aeiou")
    word = rng.choice(_STARTS) + middle + rng.choice(_ENDS)
    lot = rng.random()
    return (
        word.upper() if lot < 0.06 else word if lot < 0.94 else f"{word} {rng.choice(_LETTERS)}{rng.randrange(2, 9)}"
    )


def _word(language: Language, rng: Random) -> str:
    if not language.foreign and rng.random() < 0.8:
        return brand(rng)
    return (rng.choice(language.name_starts) + rng.choice(language.name_ends)).strip()


def _words(firm: Firm, language: Language, rng: Random) -> tuple[list[Word], int]:
    """A firm's language → the words of its name, and how many of them are its stem."""
    lot = rng.random()
    trade = language.trades(rng)
    if rng.random() < 0.12:
        also, glue = language.trades(rng), language.glue
        joined = f"{trade[0]}{glue}{language.joiner[0][0]}{glue}"
        trade = joined + also[0], joined + also[1]
    if lot < 0.20:
        return [_same(surname(language, rng)), trade], 1
    if lot < 0.28:
        return [_same(language.firsts(rng)), _same(surname(language, rng)), trade], 2
    if lot < 0.36:
        words = [_same(surname(language, rng)), rng.choice(language.joiner), _same(surname(language, rng))]
        return ([*words, trade], 3) if rng.random() < 0.6 else (words, 3)
    if lot < 0.44:
        full, short = rng.choice(language.sons)
        name = surname(language, rng)
        words = [_same(name), (full, short)]
        if "~" in full:
            words = [(full.replace("~", "").strip(), short.replace("~", "").strip()), _same(name)]
        return ([*words, trade], 2) if rng.random() < 0.6 else (words, 2)
    if lot < 0.64:
        return [_same(_word(language, rng)), trade], 1
    if lot < 0.74:
        return [_same(_word(language, rng))], 1
    if lot < 0.80:
        return [_same(surname(language, rng))], 1
    if lot < 0.87:
        letters = "".join(rng.choices(_LETTERS, k=rng.choice((2, 3, 3, 3, 4))))
        return [(letters, ".".join(letters) + "."), trade], 1
    if lot < 0.93:
        if rng.random() < 0.5:
            return [trade, _same(firm.city)], 2
        return [_same(_word(language, rng)), trade, _same(firm.city)], 1
    if lot < 0.97:
        second = rng.choice(language.groups)
        first = (
            rng.choice(language.adjectives) if language.adjectives and rng.random() < 0.4 else _word(language, rng)
        )
        return [_same(first), trade, second], 2
    return [_same(f"{_word(language, rng)}-{_word(language, rng)}"), trade], 1


def _same(word: str) -> Word:
    return word, word


def _trading(firm: Firm, rng: Random) -> str:
    lot = rng.random()
    if lot < 0.35:
        return brand(rng)
    words = [word for word, _ in firm.words]
    if lot < 0.6 and len(words) > 1:
        return "".join(word[0] for word in words if word[0].isalnum()).upper()
    if lot < 0.8:
        return f"{words[0]} {firm.city}"
    return f"{brand(rng)} {words[-1]}"


def _settle(firm: Firm, rng: Random, within: str = "") -> None:
    """A firm → an address and a telephone for it, in a town given or drawn."""
    country, language = firm.country, firm.country.language
    if within:
        city, prefix = next((t for t in country.cities.things if t[0] == within), (within, ""))
    elif rng.random() < 0.62:
        city, prefix = country.cities(rng)
    else:
        start, end = rng.choice(language.town_starts), rng.choice(language.town_ends)
        city, prefix = start + (end.lower() if start[-1].isalpha() else end), ""
    firm.city, firm.postcode = city, _postcode(country, city, prefix, rng)
    firm.street = _street(language, rng)
    house = 1 + int(rng.random() ** 2 * 180)
    lot = rng.random()
    firm.house = f"{house}{rng.choice('abc')}" if lot < 0.07 else f"{house}-{house + 2}" if lot < 0.11 else str(house)
    firm.extra = rng.choice(_EXTRA).replace("~", str(rng.randrange(1, 80))) if rng.random() < 0.2 else ""
    width = 3 if country.code in ("US", "CA", "GB", "AE") else 2
    firm.area = str(crc32(city.encode()) % (9 * 10 ** (width - 1)) + 10 ** (width - 1))
    firm.local = _local(country, rng)


def _local(country: Country, rng: Random) -> str:
    return numbers.digits(rng, 7 if country.code in ("US", "CA") else rng.choice((6, 6, 7, 7, 5)))


def _street(language: Language, rng: Random) -> Word:
    streets, names = language.streets, language.street_names
    full, short = streets[min(rng.randrange(len(streets)), rng.randrange(len(streets)))]
    name = names[min(rng.randrange(len(names)), rng.randrange(len(names)))]
    bare = name if full.startswith("~") and not full.startswith(("~ ", "~_")) and len(full) > 1 else name.rstrip("-")
    return full.replace("~", bare), short.replace("~", bare)


def _postcode(country: Country, city: str, prefix: str, rng: Random) -> str:
    """A town → a post code in its country's pattern; a small town keeps to a few of them."""
    known = crc32(city.encode())
    digits = list(f"{known:010}") if not prefix else []
    if not prefix:
        prefix = country.cities.things[known % len(country.cities.things)][1]
    if country.code == "GB":
        area = int(digits[0]) + 10 if digits else rng.randrange(1, 21)
        return f"{prefix}{area} {rng.randrange(1, 10)}{rng.choice('ABDEFGHJLN')}{rng.choice('ABDEFGHJLNPQRSTUWXYZ')}"
    signs, given, last = [], list(prefix), country.postcode.rfind("#")
    for place, sign in enumerate(country.postcode):
        if sign not in "#@":
            signs.append(sign)
        elif given:
            signs.append(given.pop(0))
        elif sign == "@":
            signs.append(rng.choice("ABCDEFGHJKLMNPRSTVWXYZ"))
        else:
            signs.append(digits.pop() if digits and place != last else str(rng.randrange(4 if digits else 10)))
    return "".join(signs)


def _slug(text: str, firm: Firm) -> str:
    plain = spelt(firm.country.language.latin(text, None)).lower()
    return "".join(sign for sign in plain if sign.isascii() and sign.isalnum())


def _domain(firm: Firm, rng: Random, domains: set[str]) -> str:
    """A firm → its domain on the internet, its own in this chunk."""
    stem = [_slug(word, firm) for word, _ in firm.words[: firm.core]]
    stem = [word for word in stem if word] or ["firma"]
    trade = [_slug(word, firm) for word, _ in firm.words[firm.core :]]
    town, glue, lot = _slug(firm.city, firm), rng.choice(("", "-")), rng.random()
    if lot < 0.35:
        parts = [*stem, *trade]
    elif lot < 0.43:
        parts = [*trade, *stem]
    elif lot < 0.60:
        parts = [*stem, town]
    elif lot < 0.70:
        parts = [*stem, rng.choice(_DOMAIN_ENDS)]
    elif lot < 0.78:
        parts = [*stem, "".join(word[:1] for word in trade), town[:3]]
    else:
        parts = stem
    if sum(map(len, parts)) < 9:
        parts = [*parts, town if rng.random() < 0.6 else rng.choice(_DOMAIN_ENDS)]
    end = firm.country.domain if rng.random() < 0.75 else rng.choice(("com", "com", "eu", "net"))
    for more in ([], [town], [numbers.digits(rng, 2)], [numbers.digits(rng, 4)]):
        name = f"{glue.join(part for part in [*parts, *more] if part)[:40].strip('-')}.{end}"
        if name not in domains:
            break
    domains.add(name)
    return name


# --- what is written down ----------------------------------------------------------------------------------

_APPENDED = ("{} - {}", "{} / {}", "{}, {}", "{} ({})", "{} {}")
_PEOPLE = ("z.Hd. {}", "c/o {}", "attn. {}", "Inh. {}", "{}", "Att: {}")


def _record(firm: Firm, rng: Random, dirt: Dirt, missing: Missing, another: str) -> list[str]:
    """A firm and how dirty → one record of it, in the order of COLUMNS."""
    chance = rng.random
    country, language = firm.country, firm.country.language
    foreign = language.foreign
    latin = foreign and chance() < dirt.other_script
    if chance() < dirt.moved:
        area, local = firm.area, firm.local
        firm = copy.copy(firm)
        _settle(firm, rng, within=firm.city if chance() < 0.6 else "")
        if chance() < 0.5:
            firm.area, firm.local = area, local
    fate = chance()
    letters = 1 if fate < dirt.folded else 2 if fate < dirt.folded + dirt.spelt else 0
    if letters == 0 and not foreign and fate > 1 - dirt.garbled:
        letters = 3
    upper = chance() < dirt.upper

    def written(text: str) -> str:
        if latin:
            text = language.latin(text, rng)
        if letters:
            text = fold(text) if letters == 1 else spelt(text) if letters == 2 else garbled(text)
        return text

    name = _finished(_name(firm, rng, dirt, latin, foreign), firm, rng, dirt, written)
    if upper:
        name = name.upper()[:100]
    address = city = postcode = ""
    if chance() >= missing.address:
        address = _address(firm, rng, dirt, written, upper)
    if chance() >= missing.city:
        city = _city(firm, rng, dirt, written, upper)
    if chance() >= missing.postcode:
        postcode = _written_postcode(firm, rng, dirt)
    return [
        "" if chance() < missing.number else _number(firm, rng, dirt, another),
        name,
        address,
        firm.extra if address and chance() < 0.7 else "",
        city,
        postcode,
        "" if chance() < missing.country else _country(country, rng),
        "" if chance() < missing.phone else _phone(firm, rng, dirt),
        "" if chance() < missing.email else _email(firm, rng, dirt),
        "" if chance() < missing.website else _website(firm, rng),
        "" if not firm.vat or chance() < missing.vat else _vat(firm, rng, dirt),
        "" if chance() < missing.regno else _regno(firm, rng),
        "" if chance() < missing.contact else written(_contact(firm, rng, dirt)),
    ]


def _name(firm: Firm, rng: Random, dirt: Dirt, latin: bool, foreign: bool) -> str:
    chance, language = rng.random, firm.country.language
    if chance() < dirt.trading_name:
        name = firm.trading
    else:
        words = firm.words
        if chance() < dirt.trade_dropped and len(words) > firm.core:
            words = words[: firm.core]
        short = chance() < dirt.words_short
        said = [pair[1] if short and chance() < 0.7 else pair[0] for pair in words]
        if chance() < dirt.reordered and len(said) > 1:
            said = [*said[1:], said[0]] if chance() < 0.6 else [said[-1] + ",", *said[:-1]]
        name = (" " if latin else language.glue).join(said)
    forms = firm.form[1:] if latin else firm.form[:1] if foreign else firm.form
    lot = chance()
    if lot >= dirt.form_dropped:
        otherwise = lot < dirt.form_dropped + dirt.form_otherwise
        form = forms[rng.randrange(len(forms))] if otherwise else forms[0]
        if latin or not foreign or language.glue:
            glue = "" if form.startswith(",") else " "
        else:
            glue = ""
        front = firm.country.code in ("JP", "UA", "BG") and not latin and chance() < 0.5
        name = f"{form}{glue}{name}" if front else f"{name}{glue}{form}"
    return name


def _finished(name: str, firm: Firm, rng: Random, dirt: Dirt, written: Callable[[str], str]) -> str:
    """A name → with a slip of the keyboard, something appended, and cut to the width of a column."""
    chance = rng.random
    name = written(name)
    if chance() < dirt.name_typo:
        name = typo(name, rng)
    if chance() < dirt.appended:
        what = rng.choice(firm.country.language.departments)
        if chance() < 0.4:
            what = rng.choice(_PEOPLE).format(f"{firm.contact[0]} {firm.contact[1]}")
        name = rng.choice(_APPENDED).format(name, written(what))
    lot = chance()
    if lot < dirt.cut_30:
        return name[:30].rstrip()
    return name[: 50 if lot < dirt.cut_30 + dirt.cut_50 else 100].rstrip()


def _address(firm: Firm, rng: Random, dirt: Dirt, written: Callable[[str], str], upper: bool) -> str:
    chance, language = rng.random, firm.country.language
    street = firm.street[1 if chance() < dirt.street_short else 0]
    if "ß" in street and chance() < 0.3:
        street = street.replace("ß", "ss")
    house = firm.house
    lot = chance()
    if lot < 0.12 and not house.isdigit():
        house = house.replace("-", " - ") if "-" in house else f"{house[:-1]} {house[-1].upper()}"
    elif lot < 0.16 and "-" in house:
        house = house.partition("-")[0]
    elif lot > 0.97:
        house = f"Nr. {house}"
    elif lot > 0.955:
        house = ""
    if not language.number_first or chance() < 0.03:
        comma = firm.country.code in ("IT", "ES", "PT", "BR", "MX", "RO", "UA") and chance() < 0.6
        text = f"{street}{', ' if comma else ' '}{house}"
    else:
        text = f"{house}{', ' if chance() < 0.15 else ' '}{street}"
    text = written(text.strip(" ,"))
    if chance() < dirt.address_typo:
        text = typo(text, rng)
    return text.upper() if upper else text


def _city(firm: Firm, rng: Random, dirt: Dirt, written: Callable[[str], str], upper: bool) -> str:
    city, chance = firm.city, rng.random
    if chance() < dirt.city_otherwise:
        lot = chance()
        if city in EXONYMS and lot < 0.7:
            city = EXONYMS[city]
        elif lot < 0.5:
            city = f"{city}{rng.choice(('-', ' ', ', '))}{rng.choice(firm.country.language.town_ends).capitalize()}"
    city = written(city)
    if chance() < dirt.city_typo:
        city = typo(city, rng)
    return city.upper() if upper or chance() < 0.02 else city


def _written_postcode(firm: Firm, rng: Random, dirt: Dirt) -> str:
    code, lot = firm.postcode, rng.random()
    if lot < dirt.postcode_prefix and code[0].isdigit():
        return f"{firm.country.code[: 1 if firm.country.code in ('DE', 'FR', 'BE') else 2]}-{code}"
    if lot < dirt.postcode_prefix + dirt.postcode_bare:
        return code.replace(" ", "").replace("-", "").lstrip("0" if rng.random() < 0.2 else "")
    if lot > 1 - dirt.postcode_wrong:
        return wrong_digit(code, rng)
    if firm.country.code == "US" and rng.random() < 0.2:
        return f"{code}-{rng.randrange(1000, 9999)}"
    return code


def _country(country: Country, rng: Random) -> str:
    lot = rng.random()
    if lot < 0.5:
        return country.code
    if lot < 0.55:
        return country.three
    return country.names[0] if lot < 0.78 else rng.choice(country.names)


def _phone(firm: Firm, rng: Random, dirt: Dirt) -> str:
    area, local, dial, trunk = firm.area, firm.local, firm.country.dial, firm.country.trunk
    if rng.random() < dirt.phone_other:
        lot = rng.random()
        if lot < 0.4:
            area, local = rng.choice(("15", "16", "17", "66", "79")) + str(rng.randrange(10)), numbers.digits(rng, 7)
        else:
            local = local[:-2] + numbers.digits(rng, 2) if lot < 0.75 else numbers.digits(rng, len(local))
    way = rng.randrange(9)
    if dial == "1":
        start, end = local[:3], local[3:]
        shapes = (
            f"({area}) {start}-{end}",
            f"{area}-{start}-{end}",
            f"{area}.{start}.{end}",
            f"+1 {area} {start} {end}",
        )
        return shapes[way % 4]
    if way == 0:
        return f"{trunk}{area}/{local}"
    if way == 1:
        return f"00{dial} {area} {local}"
    if way == 2:
        return f"({trunk}{area}) {' '.join(local[i : i + 2] for i in range(0, len(local), 2))}"
    if way == 3:
        return f"+{dial} (0) {area} {local}" if trunk == "0" else f"+{dial}.{area}.{local}"
    if way == 4:
        return f"+{dial}{area}{local}"
    if way == 5:
        return f"{trunk}{area}-{local}" + ("-0" if rng.random() < 0.3 else "")
    return f"+{dial} {area} {local}" if way < 8 else f"{trunk}{area} {local}"


def _email(firm: Firm, rng: Random, dirt: Dirt) -> str:
    if firm.free:
        return firm.free
    lot = rng.random()
    first, last = _slug(firm.contact[0], firm) or "x", _slug(firm.contact[1], firm) or "office"
    if lot < dirt.mail_free:
        return f"{first}.{last}{rng.choice(('', str(rng.randrange(1, 99))))}@{rng.choice(_FREE)}"
    if lot < dirt.mail_free + dirt.mail_person:
        return f"{rng.choice((first[0] + '.' + last, first + '.' + last, last, first[0] + last))}@{firm.domain}"
    mail = f"{firm.box if lot < 0.8 else rng.choice(_BOXES)}@{firm.domain}"
    return mail if lot < 0.97 else mail.upper() if lot < 0.985 else mail.capitalize()


def _website(firm: Firm, rng: Random) -> str:
    if firm.free:
        return ""
    lot = rng.randrange(12)
    start = (
        "www.",
        "www.",
        "www.",
        "https://www.",
        "https://www.",
        "https://",
        "http://www.",
        "",
        "",
        "http://",
        "WWW.",
        "www.",
    )
    end = ("/", "", "", "", "", "/de/", "", "/en", "", "", "", "/index.html")
    return f"{start[lot]}{firm.domain}{end[rng.randrange(12)]}"


def _vat(firm: Firm, rng: Random, dirt: Dirt) -> str:
    vat, lot = firm.vat, rng.random()
    if rng.random() < dirt.vat_wrong:
        vat = wrong_digit(vat, rng)
    if lot < dirt.vat_bare:
        return vat[2:] if vat[:2].isalpha() and firm.country.code != "CH" else "".join(filter(str.isdigit, vat))
    if lot < dirt.vat_bare + dirt.vat_spaced:
        if vat[:2].isalpha() and firm.country.code != "CH":
            body = vat[2:]
            return f"{vat[:2]} {body[:3]} {body[3:6]} {body[6:]}".strip()
        return vat.replace(".", "").replace("-", "").replace("/", "")
    return vat


def _regno(firm: Firm, rng: Random) -> str:
    regno, lot = firm.regno, rng.random()
    if lot < 0.12:
        return "".join(filter(str.isdigit, regno)).lstrip("0")
    if lot < 0.24:
        return regno.replace(" ", "").replace("-", "").replace(".", "")
    if lot < 0.32 and firm.country.code in ("DE", "AT"):
        return f"{regno}, {rng.choice(('AG', 'Amtsgericht', 'Registergericht'))} {firm.city}"
    return regno if lot < 0.98 else wrong_digit(regno, rng)


def _number(firm: Firm, rng: Random, dirt: Dirt, another: str) -> str:
    lot, number = rng.random(), firm.number
    if lot < dirt.number_anothers:
        return another
    lot -= dirt.number_anothers
    if lot < dirt.number_old:
        return f"{rng.randrange(9_999_991):07}" if lot < 0.3 * dirt.number_old else f"{rng.randrange(10_000, 99_999)}"
    lot -= dirt.number_old
    if lot < dirt.number_otherwise:
        return (f"C-{number}", f"DEB{number}", number.lstrip("0"), f"{number:0>10}", f"{number[:3]}-{number[3:]}")[
            rng.randrange(5)
        ]
    return number


def _contact(firm: Firm, rng: Random, dirt: Dirt) -> str:
    first, last = firm.contact
    if rng.random() < dirt.contact_other:
        first, last = firm.country.language.firsts(rng), surname(firm.country.language, rng)
    lot = rng.random()
    if lot < 0.6 or not firm.country.language.glue:
        return f"{first} {last}"
    return f"{last}, {first}" if lot < 0.75 else f"{first[0]}. {last}" if lot < 0.9 else last
