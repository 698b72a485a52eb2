"""Names of companies and persons in the spellings of many countries."""

# ruff: noqa: E501 (tables of spellings)

from __future__ import annotations

import pytest

from d365kit.compare.names import company_acronym, company_form, company_key, company_plain
from d365kit.compare.persons import person_family, person_given, person_key
from d365kit.compare.text import repaired

FORMS = {
    "gmbh": "GmbH|G.m.b.H.|Ges.m.b.H.|Gesellschaft mbH|UG (haftungsbeschränkt)|S.à r.l.|SARL|S.r.l.|Srl|B.V.|BVBA|"
    "S.L.|Sp. z o.o.|sp.z o.o.|Sp z o o|s.r.o.|spol. s r.o.|Kft.|d.o.o.|ApS|OÜ|Ltda.|Lda|S. de R.L. de C.V.|EOOD|"
    "ЕООД|ehf.|Sh.p.k.|ΕΠΕ|Ltd. Şti.|Sagl",
    "llc": "LLC|L.L.C.|FZE|W.L.L.|ООО|ТОВ|ТОО",
    "ltd": "Ltd|Ltd.|Limited|Co., Ltd.|(Pty) Ltd|Pty. Ltd.|Pvt. Ltd.|Private Limited|Pte Ltd|Sdn Bhd|K.K.|"
    "株式会社|有限公司|(주)|בע״מ|DAC",
    "plc": "PLC|p.l.c.|Public Limited Company|Berhad|PCL|Tbk",
    "inc": "Inc|Inc.|, Inc.|Corp.|Corporation|Incorporated",
    "ag": "AG|Aktiengesellschaft|SE|S.A.|SA|S/A|N.V.|SpA|S.p.A.|A/S|AS|ASA|AB|AB (publ)|Oyj|Oy|a.s.|a. s.|Zrt.|Nyrt|d.d.|"
    "AD|АД|A.Ş.|JSC|PJSC|АО|S.A. de C.V.|SA de CV|S.A.B. de C.V.|SAS|S.A.E.|Α.Ε.|hf.",
    "kg": "KG|LP|L.P.|S.C.S.|K/S|Kb|Ky|Sp. k.|k.s.|Bt.",
    "gmbh & co kg": "GmbH & Co. KG|GmbH & Co KG|GmbH&Co.KG|Ges.m.b.H. & Co KG|AG & Co. KGaA|Sp. z o.o. Sp. k.",
    "og": "OHG|OG|S.N.C.|VOF|HB|v.o.s.|Sp. j.",
    "llp": "LLP",
    "ek": "e.K.|e.U.|eKfm",
    "eg": "eG",
    "ev": "e.V.",
}


@pytest.mark.parametrize(("family", "form"), [(f, form) for f, forms in FORMS.items() for form in forms.split("|")])
def test_a_legal_form_is_known_and_is_no_part_of_the_name(family, form):
    assert company_key(f"Zorbax Quill {form}") == company_key("Zorbax Quill") == "quill zorbax"
    assert company_form(f"Zorbax Quill {form}") == family
    assert company_key(f"ZORBAX QUILL {form.upper()}") == "quill zorbax"


@pytest.mark.parametrize(
    "name",
    ["Zorbax Quill AG Reg", "Zorbax Quill Inc. Class A Common Stock", "Zorbax Quill N.V. ADR",
     "The Zorbax Quill Company",
     "ZORBAX QUILL CORP /DE/", "Zorbax Quill Co. (The)", "Zorbax Quill PLC Ord", "Zorbax Quill Plc Ordinary Shares",
     "OOO Zorbax Quill", "ООО «Zorbax Quill»", "PT Zorbax Quill Tbk", "SARL Zorbax Quill", "SC Zorbax Quill SRL",
     "UAB Zorbax Quill", "株式会社 Zorbax Quill", "Zorbax Quill GmbH i.L.", "Firma Zorbax Quill e.K."],
)  # fmt: skip
def test_what_filings_and_lists_of_shares_add_is_no_part_of_the_name(name):
    assert company_key(name) == "quill zorbax"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Zorbax Intl Mfg Corp", "Zorbax International Manufacturing Corporation"),
        ("Quill Hldgs Ltd", "Quill Holdings Limited"),
        ("Quill Ptnrs LLP", "Quill Partners"),
        ("Huber HandelsgmbH", "Huber Handelsges.m.b.H."),
        ("Huber Handelsgesellschaft mbH", "Huber Handels GmbH"),
        ("Huber Baugesellschaft m.b.H.", "Huber Bau GmbH"),
        ("MÃ¼ller Bau GmbH", "Müller Bau"),
        ("H & M Quill", "H&M Quill"),
        ("A.B.C. Quill", "A B C Quill"),
        ("Fratelli Rossi & C. S.n.c.", "F.lli Rossi e C. snc"),
        ("Hermanos Pérez y Cía, S.L.", "Hnos. Perez"),
        ("МЕТРО Кэш", "Metro Kesh"),
    ],
)
def test_names_agree_however_they_are_shortened(one, other):
    assert company_key(one) == company_key(other)


def test_words_run_together_or_not_are_one_plain_name():
    assert company_plain("Nord-Wind Holz Bau") == company_plain("Nordwind Holzbau GmbH")
    assert company_acronym("International Business Machines") == company_acronym("IBM Corp.") == "ibm"


@pytest.mark.parametrize(
    "name", ["ソニー株式会社", "شركة الاتصالات", "삼성전자", "华为技术有限公司", "שטראוס", "საქართველო", "บริษัท ซีพี"]
)
def test_every_script_becomes_latin_words(name):
    assert company_plain(name).isascii()


def test_misread_letters_are_repaired_and_right_ones_left():
    assert repaired("GenÃ¨ve Å koda â€“ KrakÃ³w") != "GenÃ¨ve"
    for right in ("São Paulo", "GENÈVE", "Ångström", "Señor Ñandú", "Straße «Ä»"):
        assert repaired(right) == right


@pytest.mark.parametrize(
    ("short", "full"),
    [("Bob", "Robert"), ("Bill", "William"), ("Hans", "Johannes"), ("Pepe", "José"), ("Peggy", "Margaret"),
     ("Sepp", "Josef"), ("Paco", "Francisco"), ("Fritz", "Friedrich"), ("Liz", "Elizabeth"), ("Kate", "Catherine")],
)  # fmt: skip
def test_given_names_agree_with_their_short_forms(short, full):
    assert person_given(f"{short} Quill") == person_given(f"QUILL, {full}") == person_given(f"Dr. {full} Quill")


def test_a_family_name_written_first_is_known_where_the_spelling_tells():
    assert {person_family(n) for n in ("MAIER Eva", "Maier Eva", "Eva Maier", "Maier, Eva", "Eva MAIER")} == {"maier"}
    assert (
        person_key("Eva Maier, MBA") == person_key("Mag. Eva Maier") == person_key("Eva (Evi) Maier") == "eva maier"
    )
    assert person_given("E. Maier") is None
