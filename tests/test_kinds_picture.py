"""The kinds as a table and a picture: places, waves, arrows, one kind in full, and the document made of them."""

from __future__ import annotations

import doctest
import json
from dataclasses import replace
from itertools import combinations, pairwise

import pytest
from typer.testing import CliRunner

from d365kit.cli.app import app
from d365kit.errors import UnknownKind
from d365kit.kinds import Catalogue, load_catalogue
from d365kit.kinds.model import in_order
from d365kit.show import KindsView, graph, kinds_facts, kinds_page, kinds_picture
from tests.conftest import REPOSITORY
from tests.helpers_html import Reader

EVERY = load_catalogue()
USUAL = EVERY.in_modes({})
HOSTILE = Catalogue(
    {**USUAL.kinds, "customer": replace(USUAL["customer"], title='<script>alert("x")</script> & "Söhne"')}
)


def test_examples_in_docstrings():
    assert doctest.testmod(kinds_facts).failed == 0


# --- facts ---


@pytest.mark.parametrize(
    ("kind", "bc", "dv"),
    [
        ("customer", "API: customers", "table account"),
        (
            "shipping_agent",
            "page 428, published as ShippingAgents",
            "choice column account.address1_shippingmethodcode",
        ),
        ("sales_order_line", "API: salesOrderLines of salesOrders", "table salesorderdetail"),
    ],
)
def test_where_records_live_is_said_with_the_page_to_publish(kind, bc, dv):
    assert (kinds_facts.place(EVERY[kind], "bc"), kinds_facts.place(EVERY[kind], "dv")) == (bc, dv)


def test_a_card_names_its_page_and_the_fields_it_is_wanted_for():
    (page,) = kinds_facts.pages(EVERY["customer"])
    assert page.startswith("21 (")
    assert "fax" in page
    assert kinds_facts.field_place(EVERY["customer"], EVERY["customer"]["fax"], "bc") == "Fax_No (page 21)"


def test_a_field_that_is_written_by_another_name_says_both():
    customer = EVERY["customer"]
    assert kinds_facts.field_place(customer, customer["salesperson"], "dv") == "owninguser, written ownerid"


def test_every_kind_stands_in_a_wave_after_all_it_needs():
    for catalogue in (EVERY, USUAL):
        waves = kinds_facts.waves(catalogue)
        at = {name: n for n, wave in enumerate(waves) for name in wave}
        assert set(at) == set(catalogue.names)
        for kind in catalogue:
            needed = kinds_facts.needs(catalogue, kind)
            assert at[kind.name] == max((at[n] + 1 for n in needed), default=0)


def test_turning_a_reference_round_turns_the_picture_round():
    kinds = dict(USUAL.kinds)
    without = tuple(f for f in kinds["item"].fields if f.name != "unit")
    moved = replace(kinds["item"]["unit"], refers_to=("item",))
    kinds["item"] = replace(kinds["item"], fields=without)
    kinds["unit"] = replace(kinds["unit"], fields=(*kinds["unit"].fields, moved))
    turned = Catalogue({k.name: k for k in in_order(kinds)})
    assert ("unit", "item") in kinds_facts.arrows(USUAL)
    assert ("item", "unit") in kinds_facts.arrows(turned)
    assert "unit" not in kinds_facts.waves(turned)[0]


def test_arrows_leave_out_what_follows_from_others_and_nothing_else():
    arrows = kinds_facts.arrows(EVERY)
    reach: dict[str, set[str]] = {n: set() for n in EVERY.names}
    for first, then in sorted(arrows, key=lambda a: EVERY.names.index(a[1])):
        reach[then] |= {first} | reach[first]
    whole = {k.name: set().union(*({n} | reach[n] for n in k.prerequisites)) for k in EVERY if k.prerequisites}
    assert all(reach[name] == needed for name, needed in whole.items())
    assert ("currency", "customer") in arrows
    assert ("currency", "invoice") not in arrows, "customers stand between them"


def test_modes_are_named_only_where_they_are_still_open():
    assert kinds_facts.when({"units": "unit_groups"}, EVERY) == "when units = unit_groups"
    assert kinds_facts.when({"units": "one_per_group"}, USUAL) == ""


# --- the picture ---


def test_boxes_do_not_overlap_and_arrows_run_from_left_to_right_outside_of_boxes():
    layers, arrows = kinds_facts.waves(EVERY), kinds_facts.arrows(EVERY)
    laid = graph.layout(layers, arrows, dict.fromkeys(EVERY.names, 100.0))
    assert set(laid.arrows) == set(arrows)
    for (x, y, w), (x2, y2, _) in combinations(laid.boxes.values(), 2):
        assert x != x2 or abs(y - y2) >= graph.BOX_HEIGHT, "two boxes of a layer"
        assert x == x2 or min(x, x2) + w < max(x, x2), "two layers"
    for points in laid.arrows.values():
        assert all(a[0] <= b[0] for a, b in pairwise(points))
        for x, y in points[1:-1]:
            for left, top, width in laid.boxes.values():
                assert not (left < x < left + width and top < y < top + graph.BOX_HEIGHT)
    assert all(0 <= y <= laid.height - graph.BOX_HEIGHT for _, y, _ in laid.boxes.values())


def test_crossings_are_few():
    columns = [["a", "b", "c"], ["z", "y", "x"]]
    laid = graph.layout(columns, [("a", "x"), ("b", "y"), ("c", "z")], dict.fromkeys("abcxyz", 50.0))
    tops = {n: box[1] for n, box in laid.boxes.items()}
    assert [tops[n] for n in "xyz"] == sorted(tops[n] for n in "xyz")


@pytest.mark.parametrize("chosen", ["", "customer"])
def test_the_picture_is_harmless_and_says_everything_in_words_too(chosen):
    page = Reader(str(kinds_picture.svg(HOSTILE, chosen)))
    tags = {t for t, _ in page.elements}
    assert tags <= {"svg", "title", "desc", "g", "path", "rect", "text"}
    (picture,) = page.having("svg")
    assert set(picture["aria-labelledby"].split()) == set(page.ids)
    assert 'alert("x")' in page.text
    assert "Vendors need Currencies, Salespeople" in page.text


def test_one_kind_stands_out_with_what_it_needs_and_frees_by_signs_and_not_by_colour_alone():
    text = Reader(str(kinds_picture.svg(USUAL, "customer"))).text
    for sign, title in (("●", "Customers"), ("◂", "Currencies"), ("▸", "Contacts")):
        assert f"{sign} {title}" in text
    assert "▸ Items" not in text


def test_a_catalogue_shows_itself():
    page = Reader(USUAL._repr_html_())
    assert page.having("svg")
    assert f"{len(USUAL)} kinds in" in page.text
    assert all(k.title in page.text for k in USUAL)
    assert Reader(Catalogue({})._repr_html_())


def test_a_kind_in_full_lists_every_field_with_its_places():
    view = KindsView(USUAL)["customer"]
    page = Reader(view._repr_html_())
    frame = view.to_frame()
    assert frame["field"].tolist() == [f.name for f in USUAL["customer"].fields]
    assert all(f.title in page.text for f in USUAL["customer"].fields)
    assert "emptied when that is not coupled" in page.text
    with pytest.raises(UnknownKind):
        KindsView(USUAL)["supplier"]


def test_the_table_of_kinds_has_a_row_a_kind_in_the_order_of_work():
    frame = KindsView(EVERY).to_frame()
    assert frame["kind"].tolist() == list(EVERY.names)
    assert frame.set_index("kind").loc["customer", "needs"].split(", ")[0] == "currency"
    assert frame.set_index("kind").loc["invoice", "held"]


def test_mermaid_names_every_kind_and_arrow_and_quotes_titles():
    text = kinds_picture.mermaid(HOSTILE)
    assert text.startswith("flowchart LR\n")
    assert all(f'{k.name}["' in text for k in HOSTILE)
    assert all(f"  {a} --> {b}" in text for a, b in kinds_facts.arrows(HOSTILE))
    assert "<script>" not in text


# --- command and document ---


def test_the_command_shows_the_table_the_waves_and_one_kind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    table, tree = run(app, ["kinds"]).output, run(app, ["kinds", "--graph"]).output
    assert all(name in table and name in tree for name in EVERY.names)
    assert "(when units = unit_groups)" in tree
    assert "Fax_No (page 21)" in run(app, ["kinds", "customer"]).output
    assert run(app, ["kinds", "--mermaid"]).output.startswith("flowchart LR")
    assert len(json.loads(run(app, ["kinds", "--json"]).output)["kinds"]) == len(EVERY)
    assert json.loads(run(app, ["kinds", "customer", "--json"]).output)["fields"][0]["field"] == "number"


def test_the_document_is_made_from_the_catalogue():
    text = (REPOSITORY / "docs" / "kinds.md").read_text("utf-8")
    assert text == kinds_page.renewed(text, EVERY), "run: make kinds"


def test_renewing_the_document_leaves_what_stands_around_it():
    text = kinds_page.renewed(f"before\n{kinds_page.BEGIN}\nold\n{kinds_page.END}\nafter", USUAL)
    assert text.startswith("before\n<!-- kinds -->\n## What must be coupled first")
    assert text.endswith("<!-- /kinds -->\nafter")
    assert "old" not in text.split("## In the order")[0]


def test_addresses_inside_the_document_lead_somewhere():
    text = kinds_page.page(EVERY)
    for kind in EVERY:
        assert f"(#{kind.title.lower().replace(' ', '-')})" in text
        assert f"### {kind.title}\n" in text
