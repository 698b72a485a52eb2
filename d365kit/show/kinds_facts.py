"""A catalogue → its facts in words: where kinds and fields live, what needs what, the waves of work."""

from __future__ import annotations

from collections.abc import Mapping

from d365kit.kinds import Catalogue, Field, Kind, Side

ARROWS = {"to_dv": "BC → Sales", "to_bc": "BC ← Sales", "both": "BC ↔ Sales", "none": "–"}


def place(kind: Kind, side: Side) -> str:
    """Where the kind's records live: an API set, a page to publish, lines of documents, a table, a choice column."""
    source = kind.source(side)
    if source.is_option:
        return f"choice column {source.set.split('/', 1)[1]}"
    if source.is_page:
        return f"page {source.page}, published as {source.set.split('/', 1)[1]}"
    if side == "dv":
        return f"table {source.table or source.set}"
    parent, _, lines = source.set.partition("/")
    return f"API: {lines} of {parent}" if lines else f"API: {parent}"


def pages(kind: Kind) -> tuple[str, ...]:
    """The pages of BC to publish for this kind; those of single fields are wanted, not needed."""
    found = [f"{kind.bc.page} (its records)"] if kind.bc.is_page else []
    if kind.bc.card:
        fields = [f.title for f in kind.fields if f.page]
        found.append(f"{kind.bc.card.page} ({', '.join(fields)})")
    return tuple(found)


def field_place(kind: Kind, field: Field, side: Side) -> str:
    """The service's own name of a field; ``""`` when the side has none."""
    if side == "dv":
        name = field.dv
        if field.dv_writes and field.dv_writes != name:
            name = f"{name}, written {field.dv_writes}" if name else f"written {field.dv_writes}"
    else:
        name = field.bc or field.bc_label
        if not name and field.page:
            name = f"{field.page} (page {kind.bc.card.page})" if kind.bc.card else field.page
        if field.bc_writes and field.bc_writes != name:
            name = f"{name}, written {field.bc_writes}" if name else f"written {field.bc_writes}"
    return name or ("worked out" if side in field.derived else "")


def field_notes(catalogue: Catalogue, field: Field) -> str:
    """What else is to be known of a field, in a few words."""
    notes = []
    if field.refers_to:
        names = " or ".join(catalogue[k].title if k in catalogue else k for k in field.refers_to)
        notes.append(f"points to {names}" + (", emptied when that is not coupled" if field.weak else ""))
    notes += [words for is_so, words in (
        (field.key, "key"), (field.required, "required"), (field.create_only, "only when a record is made"),
        (field.keep_when_blank, "a blank is not carried over"), (field.zero_is_blank, "zero means blank"),
        (not field.enabled, "switched off as Microsoft ships it"),
        (field.out_of_reach, "out of reach on one side"),
    ) if is_so]  # fmt: skip
    notes += [f"to Sales: {_words(field.transform)}"] if field.transform else []
    notes += [f"to BC: {_words(field.transform_bc)}"] if field.transform_bc else []
    notes += [when(field.when, catalogue)] if when(field.when, catalogue) else []
    return "; ".join(notes)


def _words(name: str) -> str:
    return name.replace("_", " ")


def choices(catalogue: Catalogue) -> frozenset[str]:
    """The modes that are still open: the catalogue holds what belongs to one way and what belongs to another.

    In the catalogue of a workspace none is: what it does not use is not in it.
    """
    found: dict[str, set[str]] = {}
    for kind in catalogue:
        for listed in (kind.when, *(f.when for f in kind.fields)):
            for mode, value in listed.items():
                found.setdefault(mode, set()).add(value)
    if any(len(values) > 1 for values in found.values()):
        return frozenset(found)
    return frozenset()


def when(modes: Mapping[str, str], catalogue: Catalogue) -> str:
    """The modes in which something counts, as far as they are open: “when units = unit_groups”."""
    modes = {m: v for m, v in modes.items() if m in choices(catalogue)}
    return "when " + " and ".join(f"{mode} = {value}" for mode, value in modes.items()) if modes else ""


def length(field: Field) -> str:
    """The longest text of each side; ``""`` where neither has a limit."""
    bc, dv = field.length
    return f"{bc or '–'} | {dv or '–'}" if bc or dv else ""


def coupled_by(kind: Kind) -> str:
    """What the default matching rules couple by: codes that decide, or fields that are weighed."""
    if not kind.match:
        return "–"
    listed = kind.match.get("rules" if kind.match.get("by") == "keys" else "comparisons", ())
    entries = [e for e in listed if isinstance(e, Mapping)] if isinstance(listed, list | tuple) else []
    names = list(dict.fromkeys(str(e.get("field", "")) for e in entries))
    titles = [kind[n].title if n in kind else _words(n) for n in names if n]
    text = ", ".join(titles[:4]) + (f" and {len(titles) - 4} more" if len(titles) > 4 else "")
    return text if kind.match.get("by") == "keys" else f"weighs {text}"


def needs(catalogue: Catalogue, kind: Kind) -> tuple[str, ...]:
    """The kinds of the catalogue that must be coupled before ``kind``."""
    return tuple(k for k in kind.prerequisites if k in catalogue)


def needed_by(catalogue: Catalogue, kind: Kind) -> tuple[str, ...]:
    """The kinds that wait for ``kind``."""
    return tuple(k.name for k in catalogue if kind.name in k.prerequisites)


def waves(catalogue: Catalogue) -> tuple[tuple[str, ...], ...]:
    """Kinds by wave: those that need nothing, then those that need only these, and so on.

    >>> from d365kit.kinds import load_catalogue
    >>> waves(load_catalogue().in_modes({}))[0][0]
    'currency'
    """
    depth: dict[str, int] = {}
    for kind in catalogue:
        depth[kind.name] = 1 + max((depth[n] for n in needs(catalogue, kind) if n in depth), default=-1)
    return tuple(
        tuple(name for name in depth if depth[name] == wave) for wave in range(max(depth.values(), default=-1) + 1)
    )


def arrows(catalogue: Catalogue) -> tuple[tuple[str, str], ...]:
    """Pairs (first, then) of kinds; what follows from others is left out, so that a picture can be read."""
    all_needs = {k.name: set(needs(catalogue, k)) for k in catalogue}
    reach: dict[str, set[str]] = {}
    for kind in catalogue:
        reach[kind.name] = set().union(*({n} | reach.get(n, set()) for n in all_needs[kind.name]), set())
    return tuple(
        (first, kind.name)
        for kind in catalogue
        for first in needs(catalogue, kind)
        if not any(first in reach.get(other, set()) for other in all_needs[kind.name] - {first})
    )
