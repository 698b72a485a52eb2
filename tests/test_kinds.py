"""The catalogue: order, prerequisites, columns, modes, a workspace's own additions, and clear words for mistakes."""

from __future__ import annotations

import textwrap

import pytest

from d365kit.errors import SettingsError, UnknownKind
from d365kit.kinds import MODES, load_catalogue
from d365kit.kinds.reading import FILE, line_of

CATALOGUE = load_catalogue()

MINIMAL = """
[{name}]
title = "X"
direction = "to_dv"
name_field = "name"
bc = {{ set = "a", noun = "a" }}
dv = {{ set = "b", id = "bid", noun = "b" }}
fields = [
  {{ name = "name", type = "text", bc = "n", dv = "n" }},
  {extra}
]
"""


def own(text: str) -> str:
    return textwrap.dedent(text)


def test_every_reference_points_back_in_the_order_of_work() -> None:
    seen: set[str] = set()
    for kind in CATALOGUE:
        assert set(kind.prerequisites) <= seen
        seen.add(kind.name)


#: Each prerequisite of coupling.md section 10, by what must be coupled before what; in the modes where it holds.
PREREQUISITES = {
    "PRE-1 salespeople before customers, vendors, contacts, opportunities, orders and invoices": (
        {"ownership": "person"},
        {"salesperson"},
        ("customer", "vendor", "contact", "opportunity", "sales_order", "invoice"),
    ),
    "PRE-2 units of measure before items and resources": ({}, {"unit"}, ("item", "resource")),
    "PRE-2 unit groups and units before items": (
        {"units": "unit_groups"}, {"item_unit_group", "item_unit"}, ("item",),
    ),
    "PRE-2 unit groups and units before resources": (
        {"units": "unit_groups"}, {"resource_unit_group", "resource_unit"}, ("resource",),
    ),
    "PRE-3 customer price groups before sales prices": (
        {"prices": "price_groups"}, {"price_group"}, ("sales_price",),
    ),
    "PRE-3 price lists before prices": ({}, {"price_list"}, ("price",)),
    "PRE-4 currencies before prices and customers": (
        {}, {"currency"}, ("customer", "vendor", "price_list", "price", "sales_order", "invoice"),
    ),
    "PRE-5 what a sales order from Dataverse needs": (
        {}, {"customer", "currency", "unit", "price_list", "item", "resource"}, ("sales_order_line",),
    ),
    "PRE-6 codes before customers and vendors": (
        {}, {"currency", "payment_terms", "shipment_method", "shipping_agent"}, ("customer", "vendor"),
    ),
    "PRE-7 customers and vendors before contacts": ({}, {"customer", "vendor"}, ("contact",)),
    "PRE-8 contacts before opportunities": ({}, {"contact", "customer"}, ("opportunity",)),
    "PRE-9 what posted invoices need": (
        {}, {"item", "resource", "customer", "opportunity", "currency", "unit"}, ("invoice_line",),
    ),
    "PRE-10 currencies before price lists": ({}, {"currency"}, ("price_list",)),
    "PRE-10 currencies before price groups": ({"prices": "price_groups"}, {"currency"}, ("price_group",)),
    "PRE-11 list, product and unit before a price": (
        {}, {"price_list", "item", "resource", "unit"}, ("price",),
    ),
    "PRE-12 unit groups before their units": (
        {"units": "unit_groups"}, {"item_unit_group"}, ("item_unit",),
    ),
    "PRE-13 customer, products and opportunity before orders, the header before its lines": (
        {"orders": "bidirectional"}, {"customer", "opportunity", "item", "resource", "sales_order"},
        ("sales_order_line",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PREREQUISITES)
def test_the_prerequisites_of_the_source_document(name: str) -> None:
    modes, first, then = PREREQUISITES[name]
    catalogue = CATALOGUE.in_modes(modes)
    order = list(catalogue.names)
    for later in then:
        before = {k.name for k in catalogue.with_prerequisites((later,))}
        assert first <= before
        assert all(order.index(k) < order.index(later) for k in first)


def test_a_primary_contact_is_no_prerequisite() -> None:
    # PRE-14: contacts come after their customers, so the field is filled in once they are coupled.
    assert CATALOGUE["customer"]["primary_contact"].refers_to == ("contact",)
    assert "contact" not in CATALOGUE["customer"].prerequisites


def test_a_kind_brings_what_it_refers_to() -> None:
    assert {k.name for k in CATALOGUE.in_modes({}).with_prerequisites(("contact",))} == {
        "currency", "salesperson", "payment_terms", "shipment_method", "shipping_agent", "customer", "vendor",
        "contact",
    }  # fmt: skip


def test_every_reference_has_a_label_column() -> None:
    for kind in CATALOGUE:
        names = kind.schema.names
        assert len(set(names)) == len(names)
        for f in kind.references:
            assert f.label_column in names


def test_one_way_kinds_carry_fields_one_way() -> None:
    assert CATALOGUE["currency"].fields_to("bc") == ()
    assert CATALOGUE["salesperson"].fields_to("dv") == ()
    assert {f.name for f in CATALOGUE["customer"].fields_to("bc")} < {f.name for f in CATALOGUE["customer"].fields}


def test_what_cannot_be_reached_or_is_switched_off_is_not_carried() -> None:
    carried = {f.name for f in CATALOGUE["contact"].fields_to("dv")}
    assert "fax" in carried
    assert not carried & {"pager", "salutation", "given_name"}


def test_an_unknown_kind_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownKind, match="no kind called “custmer”.*customer"):
        CATALOGUE["custmer"]


# --- modes


def test_each_mode_has_kinds_of_its_own() -> None:
    usual = set(CATALOGUE.in_modes({}).names)
    other = set(CATALOGUE.in_modes({name: values[1] for name, values in MODES.items()}).names)
    assert usual - other == {"unit", "salesperson", "price_list", "price"}
    assert other - usual == {
        "item_unit_group", "item_unit", "resource_unit_group", "resource_unit", "price_group", "sales_price",
    }  # fmt: skip


def test_a_mode_turns_a_kinds_direction() -> None:
    assert CATALOGUE.in_modes({"orders": "legacy"})["sales_order"].direction == "to_dv"
    assert CATALOGUE.in_modes({"orders": "bidirectional"})["sales_order"].direction == "both"


def test_references_to_kinds_left_out_are_text() -> None:
    catalogue = CATALOGUE.in_modes({}, leave_out=("shipping_agent",))
    assert "shipping_agent" not in catalogue
    assert catalogue["customer"]["shipping_agent"].type == "text"
    assert "shipping_agent" not in catalogue["customer"].prerequisites
    assert catalogue["sales_order"]["price_list"].refers_to == ("price_list",)


# --- a workspace's own


def test_own_fields_filters_directions_and_rules_are_laid_over() -> None:
    mine = load_catalogue(
        own("""
        [customer]
        direction = "to_dv"
        fields = [
          { name = "industry", type = "text", page = "Industry", dv = "industrycode", direction = "to_dv" },
          { name = "name", length = [50, 160], transform = "upper" },
        ]
        [customer.dv]
        scope = [
          { field = "state", in = ["0", "1"], reason = "gone" },
          { field = "industry", like = "A*", reason = "no A" },
        ]
        [customer.match]
        columns = [{ name = "trade", of = ["industry"], by = "compact" }]
        """)
    )
    kind, shipped = mine["customer"], CATALOGUE["customer"]
    assert kind.direction == "to_dv"
    assert kind["industry"].page == "Industry"
    assert kind["name"].length == (50, 160)
    assert kind["name"].bc == shipped["name"].bc
    assert kind["name"].transform == "upper"
    assert len(kind.fields) == len(shipped.fields) + 1
    reasons = [c["reason"] for c in kind.dv.scope]
    assert "gone" in reasons
    assert "inactive" not in reasons
    assert "no A" in reasons
    assert "owned by another company" in reasons
    assert kind.match["columns"][-1]["name"] == "trade"  # type: ignore[index]
    assert len(kind.match["columns"]) == len(shipped.match["columns"]) + 1  # type: ignore[arg-type]
    assert "industry" not in CATALOGUE["customer"]


def test_a_kind_can_be_pointed_at_another_address() -> None:
    mine = load_catalogue('[resource.bc]\nset = "ODataV4/OurResources"\npage = 50123\n')
    assert mine["resource"].bc.set == "ODataV4/OurResources"
    assert mine["resource"].bc.page == 50123
    assert mine["resource"].bc.id == "No"


def test_a_field_out_of_reach_is_carried_once_it_has_a_place() -> None:
    mine = load_catalogue('[contact]\nfields = [{ name = "pager", page = "Pager" }]\n')
    assert not CATALOGUE["contact"]["pager"].goes_to("dv")
    assert mine["contact"]["pager"].goes_to("dv")


def test_an_own_kind_takes_its_place_in_the_order() -> None:
    who = '{ name = "who", type = "reference", bc_label = "No", dv = "w", refers_to = ["customer"] }'
    text = MINIMAL.format(name="campaign", extra=who)
    order = list(load_catalogue(text).names)
    assert order.index("campaign") > order.index("customer")


def test_turning_a_reference_round_turns_the_order_round() -> None:
    points = '{{ name = "other", type = "reference", bc_label = "o", dv = "o", refers_to = ["{0}"] }}'
    none = '{ name = "other", type = "text", bc = "o" }'
    one = MINIMAL.format(name="one", extra=points.format("two")) + MINIMAL.format(name="two", extra=none)
    two = MINIMAL.format(name="one", extra=none) + MINIMAL.format(name="two", extra=points.format("one"))
    for text, expected in ((one, ["two", "one"]), (two, ["one", "two"])):
        assert [k for k in load_catalogue(text).names if k in ("one", "two")] == expected


def test_a_circle_of_references_is_named() -> None:
    points = '{{ name = "x", type = "reference", bc_label = "x", dv = "x", refers_to = ["{0}"] }}'
    text = "".join(
        MINIMAL.format(name=name, extra=points.format(to))
        for name, to in (("one", "two"), ("two", "three"), ("three", "one"))
    )
    with pytest.raises(SettingsError, match=r"kinds\.toml: .*circle: one → two → three → one.*weak = true"):
        load_catalogue(text)
    assert "one" in load_catalogue(text.replace('refers_to = ["one"]', 'refers_to = ["one"], weak = true'))


MISTAKES = {
    "unknown type": ('{ name = "x", type = "txt" }', r"line 10: one\.x\.type is 'txt'\. Use one of: text"),
    "unknown kind": (
        '{ name = "x", type = "reference", refers_to = "nobody" }',
        r"line 10: field “one\.x” refers to the unknown kind “nobody”",
    ),
    "unknown key": ('{ name = "x", type = "text", bd = "y" }', r"line 10: unknown key “one\.x\.bd”"),
    "unknown transformation": (
        '{ name = "x", type = "text", transform = "shout" }', r"line 10: one\.x\.transform is 'shout'.*upper",
    ),
    "unknown direction": (
        '{ name = "x", type = "text", direction = "out" }', r"line 10: one\.x\.direction is 'out'.*to_dv",
    ),
    "unknown mode": (
        '{ name = "x", type = "text", when = { units = "many" } }', r"line 10: one\.x\.when\.units is 'many'",
    ),
    "no type": ('{ name = "x" }', r"line 10: field “one\.x” has no “type”"),
    "two of a name": ('{ name = "name", type = "text" }', r"line 9: “one” has two fields called “name”"),
    "a bad name": ('{ name = "X y", type = "text" }', r"line 10: a field of “one” is called 'X y'"),
    "reference without target": (
        '{ name = "x", type = "reference", dv = "y" }', r"line 10: field “one\.x” is of type reference",
    ),
    "wrong value": ('{ name = "x", type = "text", key = "yes" }', r"line 10: one\.x\.key is 'yes'.*true or false"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_line_and_key(name: str) -> None:
    extra, words = MISTAKES[name]
    with pytest.raises(SettingsError, match=rf"^{FILE}, {words}"):
        load_catalogue(MINIMAL.format(name="one", extra=extra))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[customer]\ntitel = 'x'\n", r"line 2: unknown key “customer\.titel”"),
        ("[customer.bc]\nsets = 'x'\n", r"line 2: unknown key “customer\.bc\.sets”"),
        ("[customer]\ndirection = 'x'\n", r"line 2: customer\.direction is 'x'"),
        ("[customer]\nname_field = 'x'\n", r"line 2: customer\.name_field is 'x'"),
        ("[custom]\ntitle = 'x'\n", r"line 1: the kind “custom” has no “direction”"),
        ("[custmer]\ndirection = 'both'\n", r"the kind “custmer” has no “title”\. Did you mean “customer”\?"),
        ("[a]\n[b]\n[a]\n", r"two kinds or keys of one name.*line 3"),
        ("[customer\n", r"kinds\.toml: .*line 1"),
        ("customer = 1\n", "“customer” is no table"),
        ("[customer.dv]\nscope = [{ field = 'nme', in = [''], reason = 'r' }]\n", r"dv\.scope\.field is 'nme'"),
        ("[customer.dv]\nscope = [{ field = 'name', reason = 'r' }]\n", "not complete"),
        ("[customer.match]\nreferences = ['nme']\n", "“nme” as a reference"),
    ],
)
def test_a_mistake_in_a_table_is_named(text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        load_catalogue(text)


def test_lines_are_found() -> None:
    text = "# x\n[customer]\nfields = [\n  { name = 'fax', type = 'text' },\n]\n"
    text += "[customer.bc]\nset = 'a'\n[vendor]\nset = 'b'\n"
    assert line_of(text, "customer") == 2
    assert line_of(text, "customer", "fax") == 4
    assert line_of(text, "customer", "", "set") == 7
    assert line_of(text, "customer", "", "bc") == 6
    assert line_of(text, "vendor", "", "set") == 9
    assert line_of(text, "item") == 0
