"""A size, a seed and how dirty → two tables of items in families that differ in one number, and the truth."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from random import Random
from zlib import crc32

from tests.bench.sets import numbers
from tests.bench.sets.companies import brand, surname
from tests.bench.sets.dirt import Skewed, typo, wrong_digit
from tests.bench.sets.languages import ENGLISH, GERMAN, ITALIAN
from tests.bench.sets.writing import LEFT, LEFT_TWICE, RIGHT, RIGHT_TWICE, Rows, presence, write

COLUMNS = ("number", "name", "description2", "gtin", "unit", "price", "cost", "vendor_no", "brand", "category")
ALONE, TWICE = 0.30, 0.02


@dataclass(frozen=True)
class Dirt:
    """How often each kind of dirt falls on an item's record; the second half is how often a field is empty."""

    noun_otherwise: float = 0.40
    noun_german: float = 0.08
    attribute_otherwise: float = 0.50
    attribute_dropped: float = 0.05
    shuffled: float = 0.25
    brand_dropped: float = 0.35
    brand_otherwise: float = 0.25
    code_in_name: float = 0.35
    code_otherwise: float = 0.35
    pack_in_name: float = 0.50
    split: float = 0.25
    upper: float = 0.15
    name_typo: float = 0.05
    cut_30: float = 0.03
    cut_50: float = 0.12
    gtin_wrong: float = 0.03
    gtin_padded: float = 0.06
    number_otherwise: float = 0.18
    number_makers: float = 0.14
    number_old: float = 0.15
    number_anothers: float = 0.01
    price_drifted: float = 0.75
    category_otherwise: float = 0.50
    no_number: float = 0.20
    no_gtin: float = 0.35
    no_unit: float = 0.12
    no_price: float = 0.12
    no_cost: float = 0.30
    no_vendor: float = 0.30
    no_brand: float = 0.25
    no_category: float = 0.15


_LEFT = Dirt(
    noun_otherwise=0.10, noun_german=0.02, attribute_otherwise=0.15, attribute_dropped=0.02, shuffled=0.05,
    brand_dropped=0.30, brand_otherwise=0.08, code_in_name=0.30, code_otherwise=0.10, pack_in_name=0.55, split=0.12,
    upper=0.05, name_typo=0.015, cut_30=0.0, cut_50=0.05, gtin_wrong=0.01, gtin_padded=0.02, number_otherwise=0.02,
    number_makers=0.0, number_old=0.0, number_anothers=0.0, price_drifted=0.0, category_otherwise=0.10,
    no_number=0.03,
    no_gtin=0.25, no_unit=0.06, no_price=0.08, no_cost=0.20, no_vendor=0.20, no_brand=0.20, no_category=0.10,
)  # fmt: skip


def make(folder: Path, size: int, seed: int, dirt: float) -> Path:
    """A folder, size, seed and dirt → the folder with the four files of a set of items."""
    key = f"items:{seed}"
    left, right = _times(_LEFT, dirt), _times(Dirt(), dirt)
    return write(folder, COLUMNS, presence(size, ALONE, TWICE, key), chunk, key, left=left, right=right)


def chunk(flags: bytes, at: int, rng: Random, left: Dirt, right: Dirt) -> Rows:
    """Flags of a run of entities → their records on both sides."""
    items = _items(len(flags), at, rng)
    rows: Rows = ([], [])
    for place, (flag, item) in enumerate(zip(flags, items, strict=True)):
        for side, bit, twice, dirt in ((0, LEFT, LEFT_TWICE, left), (1, RIGHT, RIGHT_TWICE, right)):
            if flag & bit:
                another = items[(place + 1 + int(rng.random() * 40)) % len(items)].number
                rows[side].append((at + place, _record(item, rng, dirt, another)))
            if flag & twice:
                rows[side].append(
                    (at + place, _record(item, rng, right, item.number, f"{rng.randrange(9_999_991):07}"))
                )
    return rows


def _times(dirt: Dirt, factor: float) -> Dirt:
    kept = ("code_in_name", "pack_in_name")
    return Dirt(**{
        part.name: min(0.95, getattr(dirt, part.name) * (1 if part.name in kept else factor)) for part in fields(dirt)
    })  # fmt: skip


# --- the world -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Attribute:
    """A property that is a number or a word: its values and the ways of writing them, the usual way first."""

    values: tuple[str, ...]
    ways: tuple[str, ...]


def _attribute(values: str, *ways: str) -> Attribute:
    return Attribute(tuple(values.split()), ways)


ATTRIBUTES = {
    "thread": _attribute("M3 M4 M5 M6 M8 M10 M12 M16 M20", "{}", "{} ", "{}-"),
    "length": _attribute("10 12 16 20 25 30 35 40 45 50 60 70 80 100 120 150", "{} mm", "{}mm", "L={}", "{},0 mm"),
    "metres": _attribute("1 1.5 2 3 5 7.5 10 15 20 25 50 100", "{} m", "{}m", "{} mtr", "{} Meter"),
    "volt": _attribute("12 18 24 36 48 110 230 400", "{} V", "{}V", "{} Volt", "{}VAC"),
    "watt": _attribute("3 5 7 9 11 15 20 25 40 60 75 100 150 200 500 750 1000 1500 2000", "{} W", "{}W", "{} Watt"),
    "ampere": _attribute("2 4 6 10 13 16 20 25 32 40 63 80 100", "{} A", "{}A", "{} Amp"),
    "diameter": _attribute("3 4 5 6 8 10 12 14 16 18 20 22 25 28 32 40 50 75 110 125", "Ø {} mm", "{}mm", "D{}",
    "ø{}", "dia {}"),
    "litre": _attribute("0.25 0.5 0.75 1 2.5 5 10 20 25 60 200", "{} l", "{}L", "{} ltr", "{} Liter"),
    "gram": _attribute("50 100 150 200 250 300 400 500 750 1000", "{} g", "{}g", "{} gr", "{} Gramm"),
    "kilo": _attribute("1 2 2.5 5 10 12.5 15 20 25", "{} kg", "{}kg", "{} Kilo"),
    "grit": _attribute("40 60 80 100 120 150 180 240 320 400 600", "P{}", "grit {}", "K{}", "Korn {}"),
    "size": _attribute("XS S M L XL XXL 3XL", "size {}", "{}", "Gr. {}", "sz {}"),
    "shoe": _attribute("36 37 38 39 40 41 42 43 44 45 46 47", "size {}", "{}", "Gr. {}", "EU {}"),
    "colour": _attribute(
        "black white red blue green yellow grey silver orange brown", "{}", "{}", "{}", "{}"
    ),
    "ral": _attribute("1003 3000 5010 6005 7016 7035 9005 9010 9016", "RAL {}", "RAL{}", "{}"),
    "inch": _attribute("1/4 3/8 1/2 3/4 1 1-1/4 1-1/2 2", '{}"', "{} inch", "{} Zoll", "{} in"),
    "dn": _attribute("15 20 25 32 40 50 65 80 100", "DN {}", "DN{}", "{}"),
    "bar": _attribute("4 6 10 16 25 40", "{} bar", "PN{}", "{}bar"),
    "memory": _attribute("8 16 32 64 128 256 512", "{} GB", "{}GB", "{} Gigabyte"),
    "screen": _attribute("13.3 14 15.6 17.3 21.5 24 27 32", '{}"', "{} inch", "{} Zoll"),
    "kelvin": _attribute("2700 3000 4000 6500", "{} K", "{}K", "{} Kelvin"),
    "poles": _attribute("1 2 3 4", "{}-pole", "{}P", "{}pol."),
    "section": _attribute("3x1.5 3x2.5 5x1.5 5x2.5 5x4 5x6 4x0.75", "{} mm²", "{}mm2", "{}", "{} qmm"),
    "format": _attribute("A3 A4 A5 A6", "{}", "DIN {}", "{}-"),
    "grammage": _attribute("70 75 80 90 100 120 160 200", "{} g/m²", "{}g", "{} gsm", "{} g/qm"),
    "steel": _attribute("A2 A4 8.8 10.9 zinc brass", "{}", "{} ", "({})", "VA {}"),
    "origin": _attribute("Brazil Colombia Ethiopia India Kenya Peru Guatemala", "{}", "{} ", "({})", "ex {}"),
    "flavour": _attribute("classic lemon mint natural organic vanilla sensitive", "{}", "{} ", '"{}"'),
    "teeth": _attribute("24 36 40 48 60 80", "{} teeth", "{}T", "Z{}", "{} Z"),
}  # fmt: skip
_COLOURS = {
    "black": ("blk", "schwarz", "sw"), "white": ("wht", "weiß", "ws"), "red": ("rd", "rot", "rt"), "blue": ("blu",
    "blau", "bl"),
    "green": ("grn", "grün", "gn"), "yellow": ("yel", "gelb", "ge"), "grey": ("gray", "grau", "gr"),
    "silver": ("slv", "silber", "si"),
    "orange": ("org", "orange", "or"), "brown": ("brn", "braun", "br"), "zinc": ("zn", "verzinkt", "galv."),
    "brass": ("ms", "Messing", "br"),
}  # fmt: skip

# Category|another name of it;names of the thing, the last one German;attributes that stay;that vary;price
_KINDS = """
Fasteners|Screws & Bolts;hexagon bolt|hex bolt|bolt, hex|Sechskantschraube;thread steel;length;0.2
Fasteners|Screws & Bolts;socket head cap screw|SHCS|cap screw, socket head|Zylinderschraube;steel length;thread;0.3
Fasteners|Screws & Bolts;hexagon nut|hex nut|nut hex.|Sechskantmutter;steel;thread;0.1
Fasteners|Screws & Bolts;wood screw|chipboard screw|screw wood|Holzschraube;diameter steel;length;0.1
Fasteners|Fixings;wall plug|nylon plug|plug f. wall|Dübel;length;diameter;0.2
Power Tools|Electric Tools;cordless drill driver|cordl. drill|drill/driver cordless|Akku-Bohrschrauber;colour;volt;150
Power Tools|Electric Tools;angle grinder|grinder, angle|angle grndr|Winkelschleifer;diameter;watt;90
Power Tools|Electric Tools;jigsaw|jig saw|saw, jig|Stichsäge;volt;watt;110
Tool Accessories|Consumables;sanding disc|abrasive disc|disc, sanding|Schleifscheibe;diameter;grit;0.8
Tool Accessories|Consumables;drill bit HSS|twist drill HSS|HSS drill|Spiralbohrer HSS;steel;diameter;3
Tool Accessories|Consumables;circular saw blade|saw blade circ.|blade, circular saw|Kreissägeblatt;diameter;teeth;28
Tool Accessories|Consumables;cutting disc|cut-off wheel|disc cutting|Trennscheibe;length;diameter;2
Lighting|Lamps;LED bulb|LED lamp|lamp LED|LED-Leuchtmittel;kelvin;watt;6
Lighting|Lamps;LED panel|panel light LED|LED panel luminaire|LED-Panel;watt colour;kelvin;45
Electrical|Installation Material;circuit breaker|MCB|miniature circuit breaker|Leitungsschutzschalter;poles;ampere;12
Electrical|Installation Material;contactor|power contactor|contactor AC|Schütz;volt;ampere;38
Electrical|Cables;installation cable|cable NYM|inst. cable|Mantelleitung;metres;section;60
Electrical|Cables;extension lead|extension cable|ext. cable|Verlängerungskabel;colour section;metres;18
Electrical|Cables;patch cable Cat6|network cable Cat.6|cable, patch Cat 6|Patchkabel Cat6;colour;metres;4
Plumbing|Sanitary & Pipes;copper pipe elbow 90°|elbow copper 90|Cu elbow 90 deg|Kupferbogen 90°;length;diameter;3
Plumbing|Sanitary & Pipes;ball valve|valve, ball|ball vlv|Kugelhahn;bar;inch;14
Plumbing|Sanitary & Pipes;gate valve|valve gate|gate vlv|Absperrschieber;bar;dn;120
Pneumatics|Compressed Air;push-in fitting|fitting push in|pneum. fitting|Steckverschraubung;inch;diameter;4
Pneumatics|Compressed Air;pneumatic cylinder|air cylinder|cylinder, pneumatic|Pneumatikzylinder;diameter bar;length;85
Paints|Coatings;wall paint|interior paint|paint f. walls|Wandfarbe;litre;colour;30
Paints|Coatings;enamel paint|gloss enamel|lacquer|Lackfarbe;ral;litre;22
Paints|Coatings;spray paint|aerosol paint|paint spray|Sprühlack;gram;ral;7
Adhesives|Glues & Sealants;silicone sealant|silicon sealant|sealant, silicone|Silikon-Dichtstoff;gram;colour;6
Cleaning|Hygiene;all-purpose cleaner|multi-purpose cleaner|cleaner univ.|Allzweckreiniger;flavour;litre;9
Cleaning|Hygiene;hand soap|liquid soap|soap, liquid|Handseife;flavour;litre;5
Safety|PPE;work gloves|safety gloves|gloves, work|Arbeitshandschuhe;colour;size;6
Safety|PPE;safety shoes S3|work shoes S3|shoes, safety S3|Sicherheitsschuhe S3;colour;shoe;75
Safety|PPE;softshell jacket|jacket, softshell|soft shell jkt|Softshelljacke;colour;size;55
Clothing|Textiles;polo shirt|polo|shirt, polo|Poloshirt;size;colour;16
Food|Groceries;ground coffee|coffee, ground|coffee grnd|Kaffee gemahlen;origin;gram;6
Food|Groceries;dark chocolate|chocolate dark|choc. dark|Zartbitterschokolade;flavour;gram;2
Food|Groceries;basmati rice|rice, basmati|rice basm.|Basmatireis;flavour;kilo;8
Beverages|Drinks;orange juice|juice, orange|OJ|Orangensaft;flavour;litre;2
Office|Stationery;copy paper|printer paper|paper, copy|Kopierpapier;format;grammage;5
Office|Stationery;ring binder|lever arch file|binder|Ordner;format length;colour;3
IT|Computers;USB flash drive|USB stick|memory stick|USB-Stick;colour;memory;14
IT|Computers;notebook|laptop|notebook PC|Notebook;memory;screen;900
IT|Computers;monitor|display LCD|TFT monitor|Monitor;colour;screen;220
Garden|Outdoor;garden hose|hose, garden|water hose|Gartenschlauch;inch;metres;25
Garden|Outdoor;potting soil|soil, potting|compost|Blumenerde;flavour;litre;7
Motors|Drives;electric motor|motor, electric|e-motor 3ph|Elektromotor;volt;watt;180
Bearings|Drives;deep groove ball bearing|ball bearing|bearing, ball|Rillenkugellager;length;diameter;9
Hydraulics|Fluid Power;hydraulic hose|hose, hydraulic|hyd. hose|Hydraulikschlauch;bar inch;metres;35
Packaging|Shipping Material;corrugated box|cardboard box|carton|Faltkarton;colour;length;1
Packaging|Shipping Material;stretch film|film, stretch|pallet wrap|Stretchfolie;colour;metres;8
"""
_PACKS = (1, 1, 1, 1, 1, 1, 2, 4, 5, 6, 10, 10, 12, 20, 25, 50, 100, 100, 200, 500)
_PACK_WAYS = ("{} pcs", "pack of {}", "{} St.", "VPE {}", "{}x", "PU={}", "{}/pk", "({} Stk)")
_UNITS = {"PCS": ("ST", "STK", "EA", "Piece", "Stück", "pc"), "BOX": ("CTN", "KART", "Karton", "Box"),
          "PACK": ("PAK", "PK", "Pckg", "Packung"), "M": ("MTR", "Meter", "m"), "ROLL": ("RL", "Rolle")}  # fmt: skip
_SUFFIXES = ("GmbH", "AG", "Inc.", "Tools", "Group", "Industries", "International", "Germany", "Products")


@dataclass(frozen=True)
class Kind:
    """A kind of thing that is sold."""

    category: tuple[str, ...]
    nouns: tuple[str, ...]
    fixed: tuple[str, ...]
    varying: str
    price: float


@dataclass(frozen=True)
class Brand:
    """A maker: how its name is written, its prefix in GTINs and its vendor's number."""

    name: str
    others: tuple[str, ...]
    prefix: str
    vendor: str


@dataclass
class Item:
    """One entity: what is true of it."""

    kind: Kind
    brand: Brand
    series: str
    code: str
    attributes: list[tuple[str, str]]
    pack: int
    gtin: str
    unit: str
    price: float
    cost: float
    vendor: str
    number: str


def _kinds() -> Skewed[Kind]:
    kinds = []
    for line in _KINDS.strip().splitlines():
        category, nouns, fixed, varying, price = (part.strip() for part in line.split(";"))
        names = (*category.split("|"), f"{crc32(category.encode()) % 900 + 100} {category.split('|')[0]}")
        kinds.append(Kind(names, tuple(nouns.split("|")), tuple(fixed.split()), varying, float(price)))
    Random("kinds").shuffle(kinds)
    return Skewed(kinds, 0.5)


def _brands() -> Skewed[Brand]:
    rng, brands = Random("brands"), []
    for place in range(600):
        name = brand(rng) if rng.random() < 0.6 else surname(rng.choice((GERMAN, ENGLISH, ITALIAN)), rng)
        short = name[:3].upper() if rng.random() < 0.5 else name[:4].rstrip() + "."
        others = (short, name.upper(), f"{name} {rng.choice(_SUFFIXES)}", f"{name} {rng.choice(_SUFFIXES)}")
        prefix = rng.choice(("400", "401", "405", "426", "500", "301", "800", "871", "730", "541")) + numbers.digits(
            rng, 4
        )
        brands.append(Brand(name, others, prefix, f"{10_000 + place * 37}"))
    return Skewed(brands, 0.7)


KINDS, BRANDS = _kinds(), _brands()


def _items(count: int, at: int, rng: Random) -> list[Item]:
    items: list[Item] = []
    while len(items) < count:
        items.extend(_family(rng))
    del items[count:]
    for place, item in enumerate(items):
        item.number = f"{(at + place) * 3_167_819 % 9_999_991:07}"
    return items


def _family(rng: Random) -> list[Item]:
    """A random source → the variants of one product: the same but for one attribute, and a number in the code."""
    kind, maker = KINDS(rng), BRANDS(rng)
    letters = "".join(rng.choices("ABCDEFGHKLMNPRSTVWX", k=rng.choice((1, 2, 2, 3))))
    series = f"{letters}{rng.choice((' ', '-', ''))}{rng.randrange(10, 999)}" if rng.random() < 0.6 else ""
    fixed = [(name, rng.choice(ATTRIBUTES[name].values)) for name in kind.fixed if rng.random() < 0.8]
    values = ATTRIBUTES[kind.varying].values
    wanted = min(len(values), 1 + min(int(rng.expovariate(0.35)), 11))
    chosen = sorted(rng.sample(range(len(values)), wanted))
    pack = rng.choice(_PACKS[: 20 if kind.price < 1 else 14 if kind.price < 10 else 8 if kind.price < 30 else 1])
    base = kind.price * rng.lognormvariate(0, 0.5) * max(1.0, pack * 0.7)
    step = 0.0 if kind.varying in ("colour", "size", "shoe", "ral") else rng.uniform(0.02, 0.2)
    margin = rng.uniform(0.45, 0.8)
    prefix, body = f"{maker.prefix[:-1]}{rng.randrange(10)}", rng.randrange(100, 99_900)
    vendor = maker.vendor if rng.random() < 0.85 else f"{rng.randrange(50_000, 60_000)}"
    unit = "PACK" if pack > 1 and rng.random() < 0.6 else "BOX" if pack >= 50 and rng.random() < 0.5 else "PCS"
    digits = rng.randrange(100, 60_000)
    code_letters = letters if rng.random() < 0.7 else ""
    found = []
    for rank, place in enumerate(chosen):
        price = round(base * (1 + step * place), 2) + 0.05
        attributes = [*fixed, (kind.varying, values[place])]
        found.append(Item(
            kind, maker, series, f"{code_letters}{digits}-{place + 1:02}", attributes, pack,
            numbers.gtin(f"{prefix}{(body + rank) % 100_000:05}"), unit, price, round(price * margin, 2),
            vendor, "",
        ))  # fmt: skip
    if wanted < 4 and kind.price < 30 and rng.random() < 0.25:
        twin = found[0]
        found.append(Item(
            kind, maker, series, f"{twin.code}-P", twin.attributes, twin.pack * 10,
            numbers.gtin(f"{prefix}{(body + 50) % 100_000:05}"), "BOX", round(twin.price * 9, 2),
            round(twin.cost * 9, 2), vendor, "",
        ))  # fmt: skip
    return found


# --- what is written down ----------------------------------------------------------------------------------


def _record(item: Item, rng: Random, dirt: Dirt, another: str, number: str = "") -> list[str]:
    """An item and how dirty → one record of it, in the order of COLUMNS."""
    chance = rng.random
    name, second = _name(item, rng, dirt)
    unit = item.unit if chance() < 0.5 else rng.choice(_UNITS[item.unit])
    price, cost = item.price, item.cost
    if chance() < dirt.price_drifted:
        price *= 1 + rng.uniform(-0.02, 0.08)
        cost *= 1 + rng.uniform(-0.02, 0.08)
        lot = chance()
        price = round(price * 20) / 20 if lot < 0.3 else round(price) - 0.01 if lot < 0.4 and price > 5 else price
    maker = rng.choice(item.brand.others) if chance() < dirt.brand_otherwise else item.brand.name
    category = rng.choice(item.kind.category[1:]) if chance() < dirt.category_otherwise else item.kind.category[0]
    vendor = item.vendor if chance() < 0.8 else f"V{item.vendor}"
    return [
        "" if chance() < dirt.no_number else number or _number(item, rng, dirt, another),
        name,
        second,
        "" if chance() < dirt.no_gtin else _gtin(item.gtin, rng, dirt),
        "" if chance() < dirt.no_unit else unit,
        "" if chance() < dirt.no_price else f"{price:.2f}",
        "" if chance() < dirt.no_cost else f"{cost:.2f}",
        "" if chance() < dirt.no_vendor else vendor,
        "" if chance() < dirt.no_brand else maker,
        "" if chance() < dirt.no_category else category,
    ]


def _name(item: Item, rng: Random, dirt: Dirt) -> tuple[str, str]:
    chance = rng.random
    noun = item.kind.nouns[0]
    lot = chance()
    if lot < dirt.noun_german:
        noun = item.kind.nouns[-1]
    elif lot < dirt.noun_german + dirt.noun_otherwise:
        noun = rng.choice(item.kind.nouns[1:-1])
    if chance() < 0.5:
        noun = noun[0].upper() + noun[1:]
    parts = [noun]
    if item.series:
        parts.append(
            item.series if chance() >= dirt.code_otherwise else item.series.replace("-", "").replace(" ", "")
        )
    otherwise = chance() < dirt.attribute_otherwise
    for name, value in item.attributes:
        if chance() >= dirt.attribute_dropped:
            parts.append(_said(name, value, rng, otherwise))
    if chance() < dirt.shuffled:
        head, rest = parts[:1], parts[1:]
        rng.shuffle(rest)
        parts = [*rest, *head] if chance() < 0.4 else [*head, *rest]
    elif len(parts) > 2 and item.attributes[0][0] == "thread" and chance() < 0.6:
        parts = _crossed(parts)
    if chance() >= dirt.brand_dropped:
        maker = rng.choice(item.brand.others[:2]) if chance() < dirt.brand_otherwise else item.brand.name
        parts = [maker, *parts] if chance() < 0.7 else [*parts, maker]
    if item.pack > 1 and chance() < dirt.pack_in_name:
        parts.append(_PACK_WAYS[rng.randrange(len(_PACK_WAYS)) if otherwise else 0].format(item.pack))
    if chance() < dirt.code_in_name:
        code = item.code
        if chance() < dirt.code_otherwise:
            code = code.replace("-", rng.choice(("", ".", "/", " ")))
        parts.insert(0 if chance() < 0.25 else len(parts), code)
    second = ""
    if chance() < dirt.split and len(parts) > 2:
        at = rng.randrange(2, len(parts))
        second, parts = " ".join(parts[at:]), parts[:at]
    glue = ", " if chance() < 0.12 else " "
    text = glue.join(part.strip() for part in parts)
    if chance() < dirt.name_typo:
        text = typo(text, rng)
    if chance() < dirt.upper:
        text, second = text.upper(), second.upper()
    lot = chance()
    if lot < dirt.cut_30:
        return text[:30].rstrip(), second
    return text[: 50 if lot < dirt.cut_30 + dirt.cut_50 else 100].rstrip(), second[:50]


def _said(name: str, value: str, rng: Random, otherwise: bool) -> str:
    if value in _COLOURS and otherwise:
        return rng.choice(_COLOURS[value])
    ways = ATTRIBUTES[name].ways
    if "." in value and otherwise and rng.random() < 0.5:
        value = value.replace(".", ",")
    return ways[rng.randrange(len(ways)) if otherwise else 0].format(value)


def _crossed(parts: list[str]) -> list[str]:
    """Parts of which one is a thread and one a length → both in one, as in M8x40."""
    thread = next((p for p in parts if p[:1] == "M" and p.strip(" -")[1:].isdigit()), "")
    length = next((p for p in parts if p.endswith("mm") and p[:1].isdigit()), "")
    if not thread or not length:
        return parts
    both = f"{thread.strip(' -')}x{length.removesuffix('mm').strip()}"
    return [both if part == thread else part for part in parts if part != length]


def _number(item: Item, rng: Random, dirt: Dirt, another: str) -> str:
    lot, number = rng.random(), item.number
    if lot < dirt.number_anothers:
        return another
    lot -= dirt.number_anothers
    if lot < dirt.number_makers:
        return item.code if lot < 0.6 * dirt.number_makers else item.code.replace("-", "")
    lot -= dirt.number_makers
    if lot < dirt.number_old:
        return f"{rng.randrange(9_999_991):07}" if lot < 0.4 * dirt.number_old else f"{rng.randrange(10_000, 99_999)}"
    lot -= dirt.number_old
    if lot < dirt.number_otherwise:
        ways = (
            f"ART-{number}",
            f"I{number}",
            f"{number[:3]}-{number[3:]}",
            f"{number[:3]}.{number[3:]}",
            number.lstrip("0"),
        )
        return ways[rng.randrange(5)]
    return number


def _gtin(gtin: str, rng: Random, dirt: Dirt) -> str:
    lot = rng.random()
    if lot < dirt.gtin_wrong:
        return wrong_digit(gtin, rng)
    if lot < dirt.gtin_wrong + dirt.gtin_padded:
        return f"0{gtin}" if rng.random() < 0.6 else f"{gtin[0]} {gtin[1:7]} {gtin[7:]}"
    return gtin
