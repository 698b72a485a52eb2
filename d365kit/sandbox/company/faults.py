"""The table of planted faults: what is wrong, where, and which check finds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from d365kit.sandbox.company import injections as inject
from d365kit.sandbox.company.pick import Found
from d365kit.sandbox.company.world import World


@dataclass(frozen=True)
class Fault:
    """One planted fault.

    kind: the kind of record the finding names. side: where the wrong value stands. wrong: what is wrong, one
    sentence. check: suite/check that finds it, and no other. count: records planted. inject: changes the rows
    and returns the (bc_id, dv_id) to be named, nothing when the company is too small.
    """

    name: str
    kind: str
    side: str
    wrong: str
    check: str
    count: int
    inject: Callable[[World, int], list[Found]]
    in_demo: bool = True


FAULTS: tuple[Fault, ...] = (
    Fault(
        "salesperson_without_user",
        "customer",
        "dv",
        "The customer's salesperson has no user with the same e-mail.",
        "customers_vendors/salesperson_coupled",
        3,
        inject.salesperson_without_user,
    ),
    Fault(
        "salesperson_unknown",
        "customer",
        "bc",
        "The customer carries the code of a salesperson who is gone.",
        "customers_vendors/salesperson_exists",
        2,
        inject.salesperson_unknown,
    ),
    Fault(
        "user_disabled",
        "salesperson",
        "dv",
        "The user coupled to a salesperson is disabled.",
        "salespeople/user_enabled",
        1,
        inject.user_disabled,
    ),
    Fault(
        "currency_without_rate",
        "currency",
        "bc",
        "The currency has no exchange rate.",
        "currencies/rate_defined",
        1,
        inject.currency_without_rate,
    ),
    Fault(
        "currency_code_too_long",
        "currency",
        "bc",
        "The currency's code does not fit the five characters of the other side.",
        "currencies/code_fits",
        1,
        inject.currency_code_too_long,
    ),
    Fault(
        "currency_inactive",
        "currency",
        "dv",
        "The coupled currency is inactive.",
        "currencies/currency_active",
        1,
        inject.currency_inactive,
    ),
    Fault(
        "rate_drifted",
        "currency",
        "dv",
        "The exchange rate is three per cent off.",
        "currencies/rate_matches",
        1,
        inject.rate_drifted,
    ),
    Fault(
        "customer_currency_differs",
        "customer",
        "dv",
        "Customer and account name different currencies.",
        "customers_vendors/currency_same",
        2,
        inject.customer_currency_differs,
    ),
    Fault(
        "customer_currency_unknown",
        "customer",
        "bc",
        "The customer's currency does not exist.",
        "customers_vendors/currency_coupled",
        1,
        inject.customer_currency_unknown,
    ),
    Fault(
        "unit_group_two_units",
        "unit",
        "dv",
        "The unit group holds a second unit.",
        "units/one_unit_per_group",
        1,
        inject.unit_group_two_units,
    ),
    Fault(
        "unit_group_inactive",
        "unit",
        "dv",
        "The unit group is inactive.",
        "units/group_active",
        1,
        inject.unit_group_inactive,
    ),
    Fault(
        "unit_renamed",
        "unit",
        "dv",
        "The unit in the group is not named as the code.",
        "units/unit_name",
        1,
        inject.unit_renamed,
    ),
    Fault(
        "item_without_unit",
        "item",
        "bc",
        "The item has no base unit of measure.",
        "items/base_unit_filled",
        2,
        inject.item_without_unit,
    ),
    Fault(
        "item_unit_unknown",
        "item",
        "bc",
        "The item's base unit does not exist.",
        "items/unit_coupled",
        1,
        inject.item_unit_unknown,
    ),
    Fault(
        "item_without_name",
        "item",
        "bc",
        "The item has no description.",
        "items/name_filled",
        1,
        inject.item_without_name,
    ),
    Fault(
        "item_negative_price",
        "item",
        "bc",
        "The item's price is below zero.",
        "items/price_not_negative",
        1,
        inject.item_negative_price,
    ),
    Fault(
        "product_number_taken",
        "item",
        "dv",
        "A service has the item's number already.",
        "items/product_number_free",
        1,
        inject.product_number_taken,
    ),
    Fault(
        "customer_without_name",
        "customer",
        "bc",
        "The customer has no name.",
        "customers_vendors/name_filled",
        1,
        inject.customer_without_name,
    ),
    Fault(
        "country_is_a_name",
        "customer",
        "dv",
        "The account has the name of a country where the code belongs.",
        "customers_vendors/country_code",
        2,
        inject.country_is_a_name,
    ),
    Fault(
        "name_too_long",
        "customer",
        "dv",
        "The account's name is longer than the 100 characters of a customer's.",
        "customers_vendors/text_fits",
        1,
        inject.name_too_long,
    ),
    Fault(
        "duplicate_account",
        "customer",
        "dv",
        "A second account repeats name, e-mail and post code of a coupled one.",
        "customers_vendors/not_duplicated",
        1,
        inject.duplicate_account,
    ),
    Fault(
        "wrong_relationship",
        "customer",
        "dv",
        "The coupled account is of relationship type Vendor.",
        "customers_vendors/relationship_type",
        1,
        inject.wrong_relationship,
    ),
    Fault(
        "other_company",
        "customer",
        "dv",
        "The coupled account belongs to another company.",
        "customers_vendors/own_company",
        1,
        inject.other_company,
    ),
    Fault(
        "customer_blocked",
        "customer",
        "bc",
        "The coupled customer is blocked.",
        "customers_vendors/not_blocked",
        2,
        inject.customer_blocked,
    ),
    Fault(
        "contact_without_company",
        "contact",
        "bc",
        "The person has no company.",
        "contacts/has_company",
        2,
        inject.contact_without_company,
    ),
    Fault(
        "contact_company_unrelated",
        "contact",
        "bc",
        "The person's company is no customer.",
        "contacts/company_is_customer",
        2,
        inject.contact_company_unrelated,
    ),
    Fault(
        "contact_of_uncoupled_customer",
        "contact",
        "bc",
        "The person belongs to a blocked customer without an account.",
        "contacts/customer_coupled",
        2,
        inject.contact_of_uncoupled_customer,
    ),
    Fault(
        "contact_parent_not_account",
        "contact",
        "dv",
        "The contact's parent is a contact.",
        "contacts/parent_is_account",
        1,
        inject.contact_parent_not_account,
    ),
    Fault(
        "contact_without_name",
        "contact",
        "bc",
        "The person has no name.",
        "contacts/name_filled",
        1,
        inject.contact_without_name,
    ),
    Fault(
        "vendor_currency_unknown",
        "vendor",
        "bc",
        "The vendor's currency does not exist.",
        "customers_vendors/vendor_currency_coupled",
        1,
        inject.vendor_currency_unknown,
    ),
    Fault(
        "resource_without_unit",
        "resource",
        "bc",
        "The resource has no base unit of measure.",
        "items/resource_base_unit_filled",
        1,
        inject.resource_without_unit,
    ),
    Fault(
        "payment_terms_unknown",
        "customer",
        "bc",
        "The customer's payment terms do not exist, so no option stands for them.",
        "option_sets/customer_payment_terms_coupled",
        1,
        inject.payment_terms_unknown,
    ),
    Fault(
        "local_currency_missing",
        "currency",
        "dv",
        "The local currency is not among the currencies, and the base currency is one BC does not know.",
        "setup/local_currency_known",
        1,
        inject.local_currency_missing,
        in_demo=False,
    ),
)


def plant(fault: Fault, world: World) -> int:
    """Plant a fault and note the records to be named; return how many there are."""
    found = fault.inject(world, fault.count)
    rows = [(fault.name, fault.check, fault.kind, bc_id, dv_id) for bc_id, dv_id in found]
    with world.store.transaction() as connection:
        connection.executemany("INSERT INTO planted VALUES (?, ?, ?, ?, ?)", rows)
    return len(rows)
