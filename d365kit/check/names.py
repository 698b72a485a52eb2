"""A kind → the name of its frame; and the columns of the frames that stand beside those of kinds."""

from __future__ import annotations

import pyarrow as pa

#: The frame of each kind; a kind that is not listed has a frame of its own name.
FRAME_OF = {
    "currency": "currencies",
    "unit": "units",
    "salesperson": "salespeople",
    "customer": "customers",
    "vendor": "vendors",
    "contact": "contacts",
    "item": "items",
    "resource": "resources",
    "payment_terms": "payment_terms",
    "shipment_method": "shipment_methods",
    "shipping_agent": "shipping_agents",
    "unit_group": "unit_groups",
    "item_unit": "item_units",
    "resource_unit": "resource_units",
    "price_group": "price_groups",
    "sales_price": "sales_prices",
    "price_list": "price_lists",
    "price": "prices",
    "opportunity": "opportunities",
    "quote": "quotes",
    "quote_line": "quote_lines",
    "sales_order": "sales_orders",
    "sales_order_line": "sales_order_lines",
    "invoice": "invoices",
    "invoice_line": "invoice_lines",
}

#: Extras the checks read, with their columns, so that a snapshot without them has an empty frame instead.
EXTRAS = {"bc.countriesRegions": ("code",)}

COUPLINGS = pa.schema(
    [
        ("kind", pa.string()),
        ("bc_id", pa.string()),
        ("dv_id", pa.string()),
        ("bc_missing", pa.bool_()),
        ("dv_missing", pa.bool_()),
    ]
)
LONG_TEXTS = pa.schema(
    [
        ("kind", pa.string()),
        ("bc_id", pa.string()),
        ("dv_id", pa.string()),
        ("field", pa.string()),
        ("key", pa.bool_()),
        ("toward", pa.string()),
        ("longest", pa.int64()),
        ("bc_value", pa.string()),
        ("dv_value", pa.string()),
    ]
)


def frame_of(kind: str) -> str:
    """The name of a kind's frame."""
    return FRAME_OF.get(kind, kind)
