"""Phones, mail and web, tax and registration numbers, GTINs, amounts, units and item descriptions in many spellings."""

# ruff: noqa: E501 (tables of spellings)

from __future__ import annotations

import pytest

from d365kit.compare import codes, items, mail, phones, units


def _same(work, spellings):
    found = {spelling: work(spelling) for spelling in spellings}
    assert None not in found.values(), found
    assert len({str(v) for v in found.values()}) == 1, found


@pytest.mark.parametrize(
    "spellings",
    [
        "+43 1 514 44-2100|0043 1 51444 2100|01/51444-2100|+43 (0)1 514442100|(01) 514 44 2100|Tel: +43 1 514442100|+43-1-51444-2100 ext. 12",
        "+1 (212) 555-0199|212-555-0199|1-212-555-0199|212.555.0199 x34|(212) 555 0199",
        "+44 20 7946 0958|020 7946 0958|(020) 79460958|+44(0)20 7946 0958",
        "+33 1 23 45 67 89|01 23 45 67 89|01.23.45.67.89|0033123456789",
        "+43 1 51444|01/51444|01 51444 DW 13|+43 (1) 51444",
        "1-800-FLOWERS|1 800 3569377|+1 800 356 9377",
        "0664/123 45 67|+43 664 1234567|0664 1234567; 01 5144421|0664 1234567 / 01 5144421",
    ],
)
def test_phones_agree(spellings):
    _same(phones.phone, spellings.split("|"))


def test_a_field_may_hold_several_phones():
    assert phones.phones("01/514 44 21, 0664/123 45 67") == ["15144421", "41234567"]
    assert phones.phones("+43 1 5144421 +43 664 1234567") == ["15144421", "41234567"]
    assert phones.phones("Mo-Fr 8-12", "12345", None) is None
    assert phones.phone_full("0664 123 45 67", "AT") == "+436641234567"
    assert phones.phone_full("nonsense", "AT") is None


@pytest.mark.parametrize(
    "spellings",
    [
        "ATU12345678|ATU 123 456 78|U12345678|12345678|UID-Nr.: ATU12345678|at u12345678",
        "DE123456789|123456789|DE 123 456 789|USt-IdNr. DE123456789",
        "NL123456789B01|123456789B01|NL 1234.56.789.B.01|123456789",
        "FR12345678901|FR 12 345678901|345678901",
        "BE0123456789|BE 0123.456.789|BE123456789|0123456789",
        "CHE-123.456.789 MWST|CHE123456789|CHE 123.456.789 TVA|123456789",
        "IT01234567890|01234567890|1234567890|P.IVA 01234567890",
        "GB123456789|GB 123 4567 89|GB123456789000",
        "NO 123 456 789 MVA|123456789|NO123456789MVA",
        "SE123456789001|1234567890",
        "12345678-2-41|HU12345678",
        "22AAAAA0000A1Z5|22 AAAAA 0000 A1Z5|GSTIN 22AAAAA0000A1Z5",
        "EL123456789|GR123456789|123456789",
    ],
)
def test_tax_numbers_agree_with_and_without_prefix(spellings):
    _same(codes.vat_number, spellings.split("|"))


@pytest.mark.parametrize(
    ("value", "country", "valid"),
    [("ATU13585627", None, True), ("ATU13585626", None, False), ("DE136695976", None, True), ("136695976", "Germany", True),
     ("DE136695977", None, False), ("FR40303265045", None, True), ("BE0428759497", None, True), ("IT00743110157", None, True),
     ("NL004495445B01", None, True), ("CHE-107.787.577 MWST", None, True), ("EL094259216", None, True), ("12345678", None, None),
     ("12345", "Atlantis", None), (None, "AT", None)],
)  # fmt: skip
def test_check_digits_of_tax_numbers(value, country, valid):
    assert codes.valid_vat(value, country) is valid


@pytest.mark.parametrize(
    "spellings",
    [
        "HRB 12345|HRB12345|HRB 12345 B|12345|Amtsgericht München HRB 12345",
        "FN 123456 x|FN123456x|123456x|FN 123456",
        "CHE-123.456.789|CHE123456789|123.456.789",
        "KvK 12345678|12345678|KVK: 12345678",
        "732 829 320 00074|73282932000074|732829320|SIREN 732 829 320",
        "00123456|123456|No. 00123456",
    ],
)
def test_registration_numbers_agree(spellings):
    _same(codes.regno, spellings.split("|"))


def test_registers_of_britain_and_other_numbers_stay_apart():
    assert codes.regno("SC123456") != codes.regno("NI123456") != codes.regno("00123456")
    assert codes.regno("12.345.678/0001-95") != codes.regno("12.345.678/0002-76")


def test_check_digits_of_gtins():
    assert codes.valid_gtin("4006381333931") is True
    assert codes.valid_gtin("036000291452") is True
    assert codes.valid_gtin("4006381333930") is False
    assert codes.valid_gtin("12") is codes.valid_gtin(None) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [("1.234,56", 1234.56), ("1,234.56", 1234.56), ("EUR 12,50", 12.5), ("12.50 €", 12.5), ("1 234,5", 1234.5), ("-5", -5.0),
     ("1,234", 1234.0), ("12,5", 12.5), ("1.234.567", 1234567.0), ("x", None), ("", None), ("0,00", None), ("CHF 1'200.-", 1200.0)],
)  # fmt: skip
def test_amounts_are_read_in_every_style(text, found):
    assert codes.amount(text) == found


@pytest.mark.parametrize(
    "spellings",
    ["eva.maier@contoso.com|Eva.Maier@CONTOSO.COM|mailto:eva.maier@contoso.com|<eva.maier@contoso.com>|eva.maier(at)contoso.com|Eva [eva.maier@contoso.com]",
     "evamaier@gmail.com|eva.maier@googlemail.com|eva.maier+x@gmail.com", "a@müller.at|a@xn--mller-kva.at"],
)  # fmt: skip
def test_mail_addresses_agree(spellings):
    _same(mail.mail, spellings.split("|"))


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (("www.contoso.at",), ["contoso"]),
        (("https://shop.contoso.co.uk/a?b=c",), ["contoso"]),
        (("contoso.com.br", "a@contoso.com"), ["contoso"]),
        (("a@contoso.com; b@fabrikam.de",), ["contoso", "fabrikam"]),
        (("www.contoso.at, www.fabrikam.at",), ["contoso", "fabrikam"]),
        (("http://contoso.or.at:8080",), ["contoso"]),
        (("a@web.de", "b@gmx.at", "c@yahoo.co.uk", "d@seznam.cz", "e@libero.it", "f@qq.com", "g@outlook.com"), None),
        (("https://www.facebook.com/contoso", "linkedin.com/company/contoso"), None),
        (("contoso.wordpress.com",), ["contoso"]),
        (("www.müller.at", "a@xn--mller-kva.at", "mueller.de"), ["muller"]),
        (("not a site", "", None, "1.2.3.4"), None),
    ],
)
def test_domains_of_a_company(values, found):
    assert mail.domains(*values) == found


@pytest.mark.parametrize(
    ("one", "spellings"),
    [("pc", "Stk|Stk.|ST|PCS|Piece|EA|C62|H87|PCE|szt|ks|db|pz|ud|Stück|unit|шт"), ("kg", "KG|KGM|Kilogramm|kilo"),
     ("l", "L|LTR|Liter|litre"), ("m", "M|MTR|lfm|Meter"), ("h", "HUR|Std|hour|Stunde|Std."), ("m2", "MTK|m²|qm|sqm"),
     ("box", "Karton|BX|CTN|box|carton"), ("pack", "PK|Packung|pkt|VE"), ("dozen", "DZ|DZN|dozen|Dutzend"), ("roll", "RO|Rolle|roll"),
     ("set", "SET|Satz|Kit"), ("pair", "PR|Paar|pair"), ("month", "MON|Monat"), ("bottle", "BO|Flasche"), ("pallet", "PAL|Palette")],
)  # fmt: skip
def test_units_in_many_languages(one, spellings):
    assert {units.unit_code(s) for s in spellings.split("|")} == {one}, {
        s: units.unit_code(s) for s in spellings.split("|")
    }


@pytest.mark.parametrize(
    "spellings",
    [
        "Saft 6x0,5l|Saft 6 x 0.5 L|Saft 500ml 6er|Saft 6er-Pack 0,50 Liter|Saft 6 × 500 ml|Saft 6x50cl",
        "Schraube M8x40|Schraube M8 x 40 mm|Schraube M 8×40mm",
        'Rohr 1/2"|Rohr 0,5 Zoll|Rohr ½ inch|Rohr 0.5in|Rohr 1/2 inch',
        "Stifte VE 10|Stifte 10er|Stifte 10 Stk|Stifte 10/pack|Stifte pack of 10|Stifte 10 Stk/VE|Stifte 10 pcs per box|Stifte VPE: 10",
        "Pens 1 DZ|Pens box of 12|Pens 12 Stück|Pens 1 dozen",
        "Mehl 1 kg|Mehl 1000 g|Mehl 1.000 g|Mehl 1,0 kg",
        "Kabel 1,5 m|Kabel 1500 mm|Kabel 150cm|Kabel 1.5 Meter",
        "Platte 100 x 50 x 2 cm|Platte 1000x500x20mm|Platte 1000 × 500 × 20",
        "Fliese 5 m2|Fliese 5 m²|Fliese 5 qm",
        "Papier 2.500 Blatt|Papier 2500 Blatt|Papier 2500 sheets",
        'Bit 1 1/4"|Bit 1.25 inch|Bit 1-1/4"',
    ],
)
def test_sizes_of_items_agree(spellings):
    _same(items.item_sizes, spellings.split("|"))


@pytest.mark.parametrize(
    "spellings",
    ["Chair adj. blk|Chair adjustable black|Stuhl verstellbar schwarz", "Bolt SS M8|Bolts stainless M8|Bolzen Edelstahl M8",
     "Lampe ws|Lampe weiß|lamp white", "Motor assy w/ filter|Motor assembly with filter"],
)  # fmt: skip
def test_words_of_items_agree(spellings):
    _same(items.item_key, spellings.split("|"))


def test_items_take_several_fields():
    assert items.item_sizes("Saft", "6x0,5l") == items.item_sizes("Saft 6x0,5l")
    assert items.item_pack("Stifte", "VE 10") == "10"
    assert items.item_pack("Stifte 1 Stk") is None
    assert items.item_colour("Stuhl", "rot") == "red"
    assert items.item_material("Schraube", "verzinkt") == "galvanised"
    assert items.item_numbers("Saft", "500 ml") == ["0.5"]
    assert items.item_codes("Pumpe AX-200", "M8x40 5mm 10er") == ["ax200"]
