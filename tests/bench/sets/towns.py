"""A size, a seed and how dirty → two lists of listed firms with nothing but name, town and country, and the truth."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from random import Random

from tests.bench.sets import languages as lang
from tests.bench.sets.companies import brand, surname
from tests.bench.sets.dirt import Skewed, Weighted, fold, spelt, typo
from tests.bench.sets.writing import LEFT, LEFT_TWICE, RIGHT, RIGHT_TWICE, Rows, presence, write

COLUMNS = ("name", "city", "country")
ALONE, TWICE = 0.30, 0.01


@dataclass(frozen=True)
class Dirt:
    """How often each kind of dirt falls on a record."""

    form_dropped: float = 0.22
    form_otherwise: float = 0.35
    words_short: float = 0.30
    word_dropped: float = 0.06
    reordered: float = 0.015
    article: float = 0.5
    share_class: float = 0.06
    unpunctuated: float = 0.30
    folded: float = 0.35
    upper: float = 0.20
    name_typo: float = 0.02
    cut_30: float = 0.06
    former_name: float = 0.01
    no_city: float = 0.05
    another_city: float = 0.05
    city_otherwise: float = 0.10
    no_country: float = 0.05


def make(folder: Path, size: int, seed: int, dirt: float) -> Path:
    """A folder, size, seed and dirt → the folder with the four files of a set of names and towns."""
    key = f"names_and_towns:{seed}"
    left, right = _times(Dirt(), 0.2 * dirt), _times(Dirt(), dirt)
    return write(
        folder, COLUMNS, presence(size, ALONE, TWICE, key), chunk, key, together=60_000, left=left, right=right
    )


def chunk(flags: bytes, at: int, rng: Random, left: Dirt, right: Dirt) -> Rows:
    """Flags of a run of entities → their records on both sides."""
    firms = _firms(len(flags), rng)
    rows: Rows = ([], [])
    for place, (flag, firm) in enumerate(zip(flags, firms, strict=True)):
        for side, bit, twice, dirt in ((0, LEFT, LEFT_TWICE, left), (1, RIGHT, RIGHT_TWICE, right)):
            if flag & bit:
                rows[side].append((at + place, _record(firm, rng, dirt)))
            if flag & twice:
                rows[side].append((at + place, _record(firm, rng, right)))
    return rows


def _times(dirt: Dirt, factor: float) -> Dirt:
    return Dirt(**{part.name: min(0.9, getattr(dirt, part.name) * factor) for part in fields(dirt)})


# --- the world -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Market:
    """A country of listed firms."""

    code: str
    names: tuple[str, ...]
    language: lang.Language
    forms: Weighted[tuple[str, ...]]
    cities: Skewed[str]


def _market(
    code: str, names: str, language: lang.Language, forms: str, cities: str, exponent: float = 0.75
) -> Market:
    cut = [tuple(part.strip() for part in form.split("|")) for form in forms.split(";")]
    return Market(
        code, tuple(names.split("|")), language, Weighted([(float(form[0]), form[1:]) for form in cut]),
        Skewed([city.strip() for city in cities.split(",")], exponent, 1.0),
    )  # fmt: skip


_US_FORMS = "50|Inc.|Inc|Incorporated|, Inc.;30|Corporation|Corp|Corp.;8|Company|Co|Co.;5|LLC;4|L.P.|LP;3|plc|PLC"
_LTD = "80|Limited|Ltd|Ltd.;20|Corporation Limited|Corp Ltd"
MARKETS = Weighted([
    (38, _market("US", "United States|USA|United States of America", lang.ENGLISH, _US_FORMS,
     "New York,Houston,San Francisco,Chicago,Boston,San Diego,Dallas,Atlanta,Cambridge,Los Angeles,Denver,Austin,"
     "Seattle,"
     "South San Francisco,Irvine,San Jose,Philadelphia,Minneapolis,Pittsburgh,Charlotte,Las Vegas,Miami,Waltham,"
     "Palo Alto,"
     "Santa Clara,Cleveland,St. Louis,Stamford,Nashville,Tampa,Phoenix,Scottsdale,Cincinnati,Columbus,Indianapolis,"
     "Redwood City,"
     "Milwaukee,Oklahoma City,Richmond,Salt Lake City,Greenwich,Princeton,Sunnyvale,Mountain View,Wilmington,"
     "Baltimore,"
     "Jacksonville,Kansas City,Omaha,Memphis,Tulsa,Midland,Boca Raton,Fort Worth,Plano,Burlington,Lexington,Carlsbad,"
     "Bellevue,Rochester,Louisville,Portland,Honolulu,Des Moines,Little Rock,Birmingham,Boise,Akron,Toledo,Albany")),
    (9, _market("JP", "Japan", lang.JAPANESE, "70|Co., Ltd.|Co Ltd|Co.,Ltd.;20|Corporation|Corp|Corp.;10|Inc.|Inc",
     "Tokyo,Osaka,Nagoya,Kyoto,Yokohama,Kobe,Fukuoka,Sapporo,Hiroshima,Kawasaki,Hamamatsu,Saitama,Sendai,Niigata",
     1.3)),
    (8, _market("GB", "United Kingdom|UK|Great Britain", lang.ENGLISH, "80|plc|PLC|Plc;20|Limited|Ltd|Ltd.",
     "London,Edinburgh,Manchester,Birmingham,Cambridge,Leeds,Bristol,Reading,Oxford,Glasgow,Aberdeen,Sheffield,"
     "Slough,"
     "Cardiff,Belfast,Guildford,Watford,St Albans", 1.3)),
    (6, _market("CN", "China|PR China|People's Republic of China", lang.JAPANESE,
    "85|Co., Ltd.|Co Ltd|Co.,Ltd;15|Corporation|Corp",
     "Shanghai,Shenzhen,Beijing,Hangzhou,Guangzhou,Suzhou,Nanjing,Chengdu,Ningbo,Wuhan,Xiamen,Qingdao,Tianjin,Wuxi,"
     "Changsha")),
    (5, _market("IN", "India", lang.ENGLISH, "100|Limited|Ltd|Ltd.",
     "Mumbai,New Delhi,Chennai,Bangalore,Kolkata,Ahmedabad,Hyderabad,Pune,Gurgaon,Noida,Vadodara,Coimbatore,Indore")),
    (5, _market("CA", "Canada", lang.ENGLISH, "45|Inc.|Inc;30|Corp.|Corp|Corporation;25|Ltd.|Ltd|Limited",
     "Toronto,Vancouver,Calgary,Montreal,Edmonton,Ottawa,Winnipeg,Halifax,Mississauga,Quebec City,Saskatoon", 1.1)),
    (4, _market("AU", "Australia", lang.ENGLISH, _LTD,
    "Sydney,Melbourne,Perth,Brisbane,Adelaide,Canberra,Hobart,Darwin", 1.0)),
    (4, _market("DE", "Germany|Deutschland", lang.GERMAN,
    "60|AG|Aktiengesellschaft|A.G.;20|SE|SE & Co. KGaA;10|AG & Co. KGaA|KGaA|"
     "AG & Co KGaA;10|GmbH & Co. KGaA|GmbH & Co KGaA|KGaA",
     "München,Berlin,Hamburg,Frankfurt am Main,Köln,Düsseldorf,Stuttgart,Hannover,Essen,Nürnberg,Bonn,Bremen,"
     "Leipzig,Jena")),
    (4, _market("FR", "France", lang.FRENCH, "75|S.A.|SA|Société Anonyme;15|SE|Societas Europaea;10|SCA|S.C.A.",
     "Paris,Lyon,Courbevoie,Boulogne-Billancourt,Toulouse,Issy-les-Moulineaux,Nanterre,Marseille,Lille,Nantes,"
     "Grenoble", 1.2)),
    (3, _market("SE", "Sweden|Sverige", lang.SWEDISH, "80|AB|AB (publ)|Aktiebolag;20|Group AB|AB",
     "Stockholm,Göteborg,Malmö,Lund,Uppsala,Linköping,Västerås,Solna,Helsingborg", 1.2)),
    (2, _market("CH", "Switzerland|Schweiz", lang.GERMAN, "70|AG|Ltd|A.G.;30|Holding AG|Hldg AG|Holding Ltd",
     "Zürich,Basel,Zug,Genf,Bern,Lausanne,Winterthur,Luzern,St. Gallen,Schaffhausen")),
    (2, _market("NL", "Netherlands|The Netherlands", lang.DUTCH, "90|N.V.|NV;10|B.V.|BV",
     "Amsterdam,Rotterdam,Eindhoven,Den Haag,Utrecht,Schiphol,Leiden,Arnhem")),
    (2, _market("IT", "Italy|Italia", lang.ITALIAN, "100|S.p.A.|SpA|SPA",
    "Milano,Roma,Torino,Bologna,Verona,Firenze,Genova,Brescia,"
     "Padova,Modena,Parma", 1.1)),
    (2, _market("DK", "Denmark|Danmark", lang.DANISH, "100|A/S|AS|A.S.",
    "København,Aarhus,Odense,Aalborg,Hellerup,Ballerup,Søborg")),
    (2, _market("NO", "Norway|Norge", lang.DANISH, "100|ASA|AS",
    "Oslo,Bergen,Stavanger,Trondheim,Lysaker,Fornebu,Ålesund", 1.2)),
    (1, _market("FI", "Finland", lang.FINNISH, "100|Oyj|Abp|plc", "Helsinki,Espoo,Tampere,Turku,Oulu,Vantaa,Lahti",
    1.2)),
    (2, _market("ES", "Spain|España", lang.SPANISH, "100|S.A.|SA|Sociedad Anónima",
    "Madrid,Barcelona,Bilbao,Valencia,Sevilla,Zaragoza", 1.3)),
    (2, _market("BR", "Brazil|Brasil", lang.PORTUGUESE, "100|S.A.|SA|S/A",
    "São Paulo,Rio de Janeiro,Belo Horizonte,Curitiba,Porto Alegre", 1.1)),
    (1, _market("PL", "Poland|Polska", lang.POLISH, "100|S.A.|SA|Spółka Akcyjna",
    "Warszawa,Kraków,Wrocław,Poznań,Katowice,Gdańsk", 1.1)),
    (2, _market("HK", "Hong Kong|Hong Kong SAR", lang.ENGLISH, _LTD, "Hong Kong,Kowloon,Wan Chai,Central", 1.5)),
    (1, _market("SG", "Singapore", lang.ENGLISH, _LTD, "Singapore")),
    (1, _market("ZA", "South Africa", lang.ENGLISH, _LTD, "Johannesburg,Cape Town,Sandton,Durban,Pretoria")),
])  # fmt: skip
_EXONYMS = {
    "München": "Munich", "Köln": "Cologne", "Nürnberg": "Nuremberg", "Hannover": "Hanover",
    "Frankfurt am Main": "Frankfurt",
    "Göteborg": "Gothenburg", "Malmö": "Malmo", "Zürich": "Zurich", "Genf": "Geneva", "Luzern": "Lucerne",
    "Den Haag": "The Hague",
    "Milano": "Milan", "Roma": "Rome", "Torino": "Turin", "Firenze": "Florence", "Genova": "Genoa", "Padova": "Padua",
    "København": "Copenhagen", "Sevilla": "Seville", "Warszawa": "Warsaw", "Kraków": "Cracow",
    "Bangalore": "Bengaluru",
    "Gurgaon": "Gurugram", "Mumbai": "Bombay", "New York": "New York City", "St. Louis": "Saint Louis",
    "Montreal": "Montréal",
    "Tokyo": "Tokyo-to", "Kolkata": "Calcutta", "Chennai": "Madras", "London": "Greater London",
    "Helsinki": "Helsingfors",
}  # fmt: skip
_SUBURBS = {
    "New York": ("Brooklyn", "White Plains", "Jersey City"), "London": ("Uxbridge", "Croydon"),
    "Tokyo": ("Chiyoda-ku", "Minato-ku", "Chuo-ku"),
    "Paris": ("La Défense", "Levallois-Perret"), "San Francisco": ("Oakland", "San Mateo"), "Boston": ("Cambridge",
    "Waltham"),
    "Houston": ("The Woodlands",), "Stockholm": ("Solna",), "München": ("Unterföhring",),
}  # fmt: skip
_SECTORS = lang._pairs(
    "Pharmaceuticals|Pharm Therapeutics|Thera Energy|Enrgy Technologies|Tech Financial|Finl Industries|Inds "
    "Resources|Res "
    "Holdings|Hldgs Systems|Sys International|Intl Group|Grp Bancorp|Bncp Software|Sftw Communications|Comm "
    "Foods|Fds Mining|Mng "
    "Petroleum|Pete Insurance|Ins Materials|Matls Medical|Med Biosciences|Biosci Semiconductor|Semicon "
    "Electronics|Elec "
    "Properties|Props Realty_Trust|Rlty_Tr Capital|Cap Partners|Ptnrs Motors|Mtrs Airlines|Airls Shipping|Shpg "
    "Steel|Stl "
    "Chemical|Chem Power|Pwr Water|Wtr Gold Oil_&_Gas|O&G Logistics|Log Entertainment|Entmt Brands Retail|Rtl "
    "Manufacturing|Mfg "
    "Engineering|Engr Construction|Constr Networks|Ntwk Solutions|Soltn Laboratories|Labs Diagnostics|Diag "
    "Healthcare|Hlthcr "
    "Education|Educ Hotels|Htls Trust|Tr Services|Svcs Acquisition|Acq Investments|Inv Development|Dev "
    "Products|Prod Instruments|Instr"
)
_FIRST = lang._pairs(
    "American|Amer National|Natl First United|Utd General|Gen Pacific|Pac Atlantic|Atl Global|Glbl Southern|Sthn "
    "Northern|Nthn Western "
    "Eastern|Estn Central|Cent Royal Advanced|Adv Applied|Appl Standard|Std Universal|Univ New Golden Great "
    "Continental|Contl "
    "Consolidated|Cons Federal|Fed Liberty Summit Pioneer Heritage Eagle Star Blue Green Silver Red_Rock Iron Clear "
    "Bright Apex"
)
_GERMAN_SECTORS = lang._pairs(
    "Maschinenbau|Maschb Versicherung|Vers Immobilien|Immo Energie|En Chemie|Chem Beteiligungen|Bet "
    "Technologie|Tech Medien"
)
_FUNDS = lang._pairs(
    "Growth_Fund|Gr_Fd Income_Fund|Inc_Fd Municipal_Income_Trust|Muni_Inc_Tr Opportunities_Fund|Opp_Fd "
    "Real_Estate_Trust|RE_Tr "
    "Infrastructure_Fund|Infra_Fd Credit_Fund|Cr_Fd Dividend_Trust|Div_Tr"
)
_SERIES = ("II", "III", "IV", "V", "2", "3")
_CLASSES = (
    "Class A",
    "Class B",
    "Cl A",
    "ADR",
    "Reg",
    "Ord",
    "Pref",
    "- A",
    "Sponsored ADR",
    "(The)",
    "Reg S",
    "Common Stock",
    "SpA ADR",
)
_JAPANESE = [
    "Nippon",
    "Toyo",
    "Fuji",
    "Mitsui",
    "Yamato",
    "Daiwa",
    "Nichi",
    "Kyowa",
    "Sanyo",
    "Showa",
    "Meiji",
    "Taisei",
    "Asahi",
    "Hoku",
    "Shin",
    "Tokai",
    "Kansai",
    "Chugoku",
    "Nissei",
    "Aichi",
    "Marubun",
    "Sumi",
    "Kawa",
    "Hama",
    "Sakura",
    "Tama",
    "Naka",
    "Oka",
    "Taka",
    "Mori",
    "Ishi",
    "Hua",
    "Zhong",
    "Jin",
    "Bao",
    "Xin",
    "Tian",
    "Da",
    "Hai",
    "Long",
    "Guang",
]
_JAPANESE_ENDS = (
    "do",
    "ya",
    "gen",
    "shi",
    "kawa",
    "moto",
    "ra",
    "ta",
    "sho",
    "chi",
    "xin",
    "tai",
    "long",
    "yuan",
    "",
    "",
    "",
)

Word = tuple[str, str]


@dataclass
class Firm:
    """One entity: what is true of it."""

    market: Market
    words: list[Word]
    form: tuple[str, ...]
    article: bool
    city: str


def _firms(count: int, rng: Random) -> list[Firm]:
    firms: list[Firm] = []
    taken: set[tuple[str, str]] = set()
    while len(firms) < count:
        market = MARKETS(rng)
        lot = rng.random()
        if lot < 0.06 and market.language is lang.ENGLISH:
            found = _banks(market, rng)
        elif lot < 0.10:
            found = _family(market, rng)
        elif lot < 0.13:
            found = _series(market, rng)
        else:
            found = [_firm(market, rng)]
        for firm in found:
            name = (market.code, " ".join(word for word, _ in firm.words))
            if name not in taken:
                taken.add(name)
                firms.append(firm)
    return firms[:count]


def _town(market: Market, rng: Random) -> str:
    if rng.random() < 0.75:
        return market.cities(rng)
    language = market.language
    if language is lang.JAPANESE:
        return rng.choice(_JAPANESE) + rng.choice(("shi", "machi", "zhou", "yama"))
    start, end = rng.choice(language.town_starts), rng.choice(language.town_ends)
    return start + (end.lower() if start[-1].isalpha() else end)


def _stem(market: Market, rng: Random) -> list[Word]:
    language, lot = market.language, rng.random()
    if language is lang.JAPANESE:
        word = (rng.choice(_JAPANESE) + rng.choice(_JAPANESE_ENDS)).capitalize()
        return [(word, word)] if lot < 0.7 else [(word, word), (_plain(rng.choice(_JAPANESE)))]
    if lot < 0.34:
        return [_plain(brand(rng))]
    if lot < 0.58:
        return [_plain(surname(language, rng))]
    if lot < 0.72 and language is lang.ENGLISH:
        return [rng.choice(_FIRST)]
    if lot < 0.80:
        return [_plain(surname(language, rng)), ("&", "&"), _plain(surname(language, rng))]
    if lot < 0.86:
        letters = "".join(rng.choices("ABCDEFGHIKLMNPRSTVW", k=rng.choice((2, 3, 3))))
        return [(".".join(letters) + "." if rng.random() < 0.25 else letters, letters)]
    if lot < 0.92:
        initials = "".join(f"{letter}." for letter in rng.choices("ABCEFGHJLMPRSTW", k=2))
        return [(initials, initials.replace(".", "")), _plain(surname(language, rng))]
    if lot < 0.96:
        return [
            _plain(surname(language, rng)),
            ("-", "") if rng.random() < 0.5 else ("", ""),
            _plain(surname(language, rng)),
        ]
    return [_plain(_town(market, rng))]


def _plain(word: str) -> Word:
    return word, word


def _sector(market: Market, rng: Random) -> Word:
    if market.language is lang.GERMAN and rng.random() < 0.35:
        return rng.choice(_GERMAN_SECTORS)
    return _SECTORS[min(rng.randrange(len(_SECTORS)), rng.randrange(len(_SECTORS)))]


def _firm(market: Market, rng: Random) -> Firm:
    words = _stem(market, rng)
    if rng.random() < 0.72 or words[0] in _FIRST:
        words = [*words, _sector(market, rng)]
    if rng.random() < 0.22:
        words = [*words, _sector(market, rng)]
    article = market.language is lang.ENGLISH and rng.random() < 0.08
    return Firm(market, words, market.forms(rng), article, _town(market, rng))


def _banks(market: Market, rng: Random) -> list[Firm]:
    """A market → banks that differ in nothing but the town they are named after."""
    heads = (
        "First National Bank of",
        "Bank of",
        "Farmers & Merchants Bank of",
        "Citizens Bank of",
        "First Savings Bank of",
    )
    tails = (("Bancorp", "Bncp"), ("Bancshares", "Bancsh"), ("Financial", "Finl"), ("Community Bank", "Cmnty Bk"))
    head, tail, found = rng.choice(heads), rng.choice(tails), []
    for _ in range(rng.randrange(2, 7)):
        town = _town(market, rng)
        words = [(head, head.replace("National Bank", "Natl Bk").replace("Bank", "Bk")), _plain(town)]
        if rng.random() < 0.5:
            words = [_plain(town), tail]
        city = town if rng.random() < 0.7 else _town(market, rng)
        found.append(Firm(market, words, market.forms(rng), rng.random() < 0.1, city))
    return found


def _family(market: Market, rng: Random) -> list[Firm]:
    """A market → listed firms of one group: one stem, several trades, often one town."""
    stem, city, found = _stem(market, rng), _town(market, rng), []
    for _ in range(rng.randrange(2, 5)):
        words = [*stem, _sector(market, rng)]
        found.append(
            Firm(market, words, market.forms(rng), False, city if rng.random() < 0.6 else _town(market, rng))
        )
    return found


def _series(market: Market, rng: Random) -> list[Firm]:
    """A market → funds and shells of one house, told apart by one word or a number, all in one town."""
    stem, city, form = _stem(market, rng), market.cities(rng), market.forms(rng)
    if rng.random() < 0.4:
        numbered: list[list[Word]] = [[], *([_plain(series)] for series in _SERIES[: rng.randrange(1, 4)])]
        return [Firm(market, [*stem, ("Acquisition", "Acq"), *more], form, False, city) for more in numbered]
    return [Firm(market, [*stem, fund], form, False, city) for fund in rng.sample(_FUNDS, rng.randrange(2, 5))]


# --- what is written down ----------------------------------------------------------------------------------


def _record(firm: Firm, rng: Random, dirt: Dirt) -> list[str]:
    """A firm and how dirty → one record of it, in the order of COLUMNS."""
    chance = rng.random
    city = firm.city
    lot = chance()
    if lot < dirt.no_city:
        city = ""
    elif lot < dirt.no_city + dirt.another_city:
        city = rng.choice(_SUBURBS[city]) if city in _SUBURBS and chance() < 0.6 else _town(firm.market, rng)
    elif lot < dirt.no_city + dirt.another_city + dirt.city_otherwise:
        city = _EXONYMS.get(city, fold(city))
    name = _name(firm, rng, dirt)
    if chance() < dirt.upper:
        name = name.upper()
        city = city.upper() if chance() < 0.5 else city
    names = firm.market.names
    country = "" if chance() < dirt.no_country else firm.market.code if chance() < 0.4 else rng.choice(names)
    return [name, city, country]


def _name(firm: Firm, rng: Random, dirt: Dirt) -> str:
    chance = rng.random
    words = [word for word in firm.words if word[0]]
    if chance() < dirt.former_name:
        words = [_plain(brand(rng)), *words[1:]]
    if chance() < dirt.word_dropped and len(words) > 1:
        words = words[:-1] if words[-2][0] not in ("&", "-") else words
    short = chance() < dirt.words_short
    said = [pair[1] if short and chance() < 0.75 else pair[0] for pair in words]
    if chance() < dirt.reordered and len(said) > 1:
        said = [*said[1:], said[0]]
    lot, form = chance(), firm.form[0]
    if lot < dirt.form_dropped:
        form = ""
    elif lot < dirt.form_dropped + dirt.form_otherwise:
        form = rng.choice(firm.form)
    name = " ".join(word for word in said if word)
    if form:
        name = f"{name}{'' if form.startswith(',') else ' '}{form}"
    if firm.article:
        name = f"The {name}" if chance() >= dirt.article else name if chance() < 0.7 else f"{name} (The)"
    if chance() < dirt.unpunctuated:
        name = " ".join(
            name.replace(".", "").replace(",", "").replace(" & ", " and " if chance() < 0.3 else " & ").split()
        )
    elif chance() < 0.05:
        name = name.replace(" & ", " and ")
    if chance() < dirt.folded:
        name = fold(name) if chance() < 0.7 else spelt(name)
    if chance() < dirt.name_typo:
        name = typo(name, rng)
    if chance() < dirt.share_class:
        name = f"{name} {rng.choice(_CLASSES)}"
    return name[:30].rstrip() if chance() < dirt.cut_30 else name
