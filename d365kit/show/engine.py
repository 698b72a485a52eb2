"""Template name and values → HTML, every value escaped; the badges, filters and styles all screens share."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from jinja2.runtime import Markup

from d365kit.nouns.frames import plain
from d365kit.nouns.plan import summary
from d365kit.show.differences import marked_pair
from d365kit.show.values import (
    NUMERIC,
    SIDE_NAMES,
    amount,
    field_of,
    field_title,
    kind_title,
    moment,
    number,
    percent,
    short,
    shown,
    text_of,
    visible,
)

#: Each state's sign and tone. A state is told by sign, colour and word together, never by colour alone.
BADGES = {
    "create": ("+", "good"), "update": ("~", "note"), "uncouple": ("÷", "care"), "conflict": ("!", "bad"),
    "blocked": ("⊘", "care"), "unchanged": ("=", "calm"), "nothing": ("=", "calm"),
    "critical": ("!", "bad"), "warning": ("▲", "care"), "info": ("i", "note"),
    "certain": ("●", "good"), "likely": ("◐", "note"), "unsure": ("○", "care"),
    "nothing found": ("–", "calm"), "only in Sales": ("–", "calm"),
    "done": ("✓", "good"), "failed": ("✗", "bad"), "skipped": ("⊘", "care"), "unknown": ("?", "care"),
    "passed": ("✓", "good"), "nothing to check": ("–", "calm"), "could not be asked": ("?", "care"),
    "confirm": ("✓", "good"), "reject": ("✗", "bad"), "defer": ("…", "care"), "undo": ("↶", "calm"),
    "ready": ("✓", "good"), "except": ("▲", "care"), "not_safe": ("!", "bad"), "nothing_to_do": ("=", "calm"),
    "nothing_to_check": ("–", "calm"),
    "new": ("+", "bad"), "fixed": ("✓", "good"), "open": ("=", "care"),
}  # fmt: skip


def badge(state: str, words: str = "", quiet: bool = False) -> Markup:
    """A small label of ``state``: its sign, its colour, and ``words`` (the state's own name if none).

    ``quiet`` takes the colour away, as from a count of zero.
    """
    sign, tone = BADGES.get(state, ("·", "calm"))
    tone = "calm" if quiet else tone
    return Markup('<span class="b {}"><span class="s" aria-hidden="true">{}</span>{}</span>').format(
        tone, sign, visible(words or state)
    )


def becomes(before: str, after: str, kind: str = "text") -> Markup:
    """``before → after`` in one line; texts with the differing characters marked."""
    one, two = before_after(before, after, kind)
    return Markup('{} <span class="a" aria-label="becomes" role="img">→</span> {}').format(one, two)


def before_after(before: object, after: object, kind: str = "text") -> tuple[Markup, Markup]:
    """Both values as HTML: struck out what goes, underlined what comes, numbers as they are."""
    return _two(before, after, kind, ("del", "ins"))


def both(bc: object, dv: object, kind: str = "text") -> tuple[Markup, Markup]:
    """The two sides' values as HTML, the differing characters marked alike."""
    return _two(bc, dv, kind, ("mark", "mark"))


def _two(one: object, two: object, kind: str, tags: tuple[str, str]) -> tuple[Markup, Markup]:
    values = plain(one), plain(two)
    if kind in ("text", "code", "choice") and all(isinstance(v, str) and v for v in values):
        return marked_pair(str(values[0]), str(values[1]), tags)
    return shown(values[0], kind), shown(values[1], kind)


def environment(package: str = "d365kit.show") -> Environment:
    """Templates of ``package``, and of `show` behind them; undefined names are errors."""
    loaders = [PackageLoader(package), PackageLoader("d365kit.show")]
    made = Environment(
        loader=ChoiceLoader(loaders), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters.update(
        amount=amount, moment=moment, n=number, shown=shown, short=short, visible=visible, value=text_of
    )
    helpers = (badge, becomes, before_after, both, field_of, field_title, kind_title, percent, stylesheet, summary)
    made.globals.update({helper.__name__: helper for helper in helpers})
    made.globals.update(SIDES=SIDE_NAMES, NUMERIC=NUMERIC)
    return made


@lru_cache(maxsize=1)
def _own() -> Environment:
    return environment()


def render(name: str, **values: object) -> str:
    """The HTML of one of `show`'s own templates."""
    return _own().get_template(name).render(**values)


@lru_cache(maxsize=1)
def stylesheet() -> Markup:
    """The style rules of every screen; they touch nothing outside the class ``d365kit``."""
    return Markup((resources.files("d365kit.show") / "templates" / "show.css").read_text("utf-8"))
