"""Shapes and texts in pixels → a picture: SVG that follows the page's colours, or a file, drawn by Matplotlib."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from hashlib import sha256
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from d365kit.errors import SettingsError
from d365kit.show.values import seen

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Stands for the page's text colour while Matplotlib draws; `svg` puts ``currentColor`` in its place.
INK = "#0d0e0f"
#: Read on white as well as on black: at least 3 to 1 against both.
BLUE, ORANGE, GREEN = "#3f7fca", "#c2691a", "#3d8b4f"
#: How a bar may look: colour, hatching, opacity. Hatching and place tell what colour tells, too.
TONES: dict[str, tuple[str, str, float]] = {
    "bc": (BLUE, "", 1.0),
    "dv": (ORANGE, "", 1.0),
    "good": (BLUE, "", 1.0),
    "soon": (BLUE, "/////", 1.0),
    "rest": (INK, "", 0.16),
    "out": (INK, ".....", 0.55),
    "bad": (ORANGE, "", 1.0),
    "against": (ORANGE, "\\\\\\\\\\", 1.0),
}
FORMATS = (".svg", ".png", ".pdf")

Align = Literal["left", "center", "right"]
#: The width of a letter, of its height, in the fonts of browsers.
_GLYPH = 0.56


class Canvas:
    """A drawing of ``width`` times ``height`` pixels, the origin at the top left; texts are never markup."""

    def __init__(self, width: float, height: float) -> None:
        from matplotlib import rc_context
        from matplotlib.figure import Figure

        self.width, self.height = width, height
        with rc_context({"font.family": "sans-serif"}):
            self.figure: Figure = Figure(figsize=(width / 72, height / 72), dpi=72)
            self._axes = self.figure.add_axes((0, 0, 1, 1))
        self.figure.patch.set_alpha(0)
        self._axes.set_axis_off()
        self._axes.set_xlim(0, width)
        self._axes.set_ylim(height, 0)

    def bar(self, x: float, y: float, width: float, height: float, tone: str) -> None:
        from matplotlib.patches import Rectangle

        colour, hatch, opacity = TONES[tone]
        style: dict = {"facecolor": colour, "alpha": opacity, "linewidth": 0}
        if hatch:
            style = {"facecolor": "none", "edgecolor": colour, "alpha": opacity, "hatch": hatch, "linewidth": 1}
        self._axes.add_patch(Rectangle((x, y), width, height, **style))

    def step(self, x: float, y: float, width: float, height: float, opacity: float) -> None:
        """One step of a scale from much to little: the same colour, paler; a thin edge keeps neighbours apart."""
        from matplotlib.patches import Rectangle

        self._axes.add_patch(Rectangle((x, y), width, height, facecolor=BLUE, alpha=opacity, linewidth=0))
        self.line(x + width, y, x + width, y + height, opacity=0.5)

    def dot(self, x: float, y: float, tone: str, round_: bool) -> None:
        """A full circle, or an open square around it, so that both are seen where they meet."""
        from matplotlib.patches import Circle, Rectangle

        colour = TONES[tone][0]
        if round_:
            self._axes.add_patch(Circle((x, y), 3.5, facecolor=colour, linewidth=0))
        else:
            self._axes.add_patch(Rectangle((x - 5, y - 5), 10, 10, facecolor="none", edgecolor=colour, linewidth=2))

    def line(self, x0: float, y0: float, x1: float, y1: float, opacity: float = 0.3) -> None:
        self._axes.plot([x0, x1], [y0, y1], color=INK, alpha=opacity, linewidth=1, solid_capstyle="butt")

    def text(
        self, x: float, y: float, text: str, align: Align = "left", bold: bool = False, faint: bool = False,
        size: float = 12,
    ) -> None:  # fmt: skip
        """``text`` with its middle at ``y``; characters that nobody sees are spelt out."""
        self._axes.text(
            x, y, seen(text), ha=align, va="center", fontsize=size, color=INK, alpha=0.72 if faint else 1.0,
            fontweight="bold" if bold else "normal", parse_math=False, clip_on=False,
        )  # fmt: skip


def fitted(text: str, width: float, size: float = 12) -> str:
    """``text``, cut with ``…`` where it would be wider than ``width`` pixels.

    >>> fitted("Business Central", 60)
    'Busines…'
    """
    fits = int(width / (size * _GLYPH))
    return text if len(text) <= fits else f"{text[: max(1, fits - 1)]}…"


def width_of(text: str, size: float = 12) -> float:
    """About how wide ``text`` is drawn, in pixels."""
    return len(text) * size * _GLYPH


Draw = Callable[[], Canvas]


def svg(draw: Draw, title: str, description: str) -> str:
    """The drawing as one ``<svg>`` for a page: no outside reference, no date, no name another picture uses.

    Texts stay texts in the page's own font, and black becomes the page's text colour.
    """
    raw = _printed(draw(), "svg").decode("utf-8")
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', raw).groups()  # type: ignore[union-attr]
    body = raw[raw.index("<svg") :]
    body = body[body.index(">") + 1 : body.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    body = re.sub(r"(?<=font: )((?:bold |\d+ )*[\d.]+px) [^;\"]+", r"\1 sans-serif", body)
    body = re.sub(r"(?<=font-family: )[^;\"]+", "sans-serif", body).replace(INK, "currentColor")
    body = re.sub(r"\s*\n\s*", " ", body).strip()
    name = "p" + sha256(f"{title}{body}".encode()).hexdigest()[:10]
    body = re.sub(r'\bid="', f'id="{name}', body)
    body = re.sub(r"url\(#", f"url(#{name}", body)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" role="img" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" aria-labelledby="{name}t {name}d" stroke-linejoin="round">'
        f'<title id="{name}t">{escape(seen(title))}</title><desc id="{name}d">{escape(seen(description))}</desc>'
        f"{body}</svg>"
    )


def save(draw: Draw, path: Path) -> Path:
    """Write the drawing to ``path`` on white. Raises SettingsError for an ending that is not one of FORMATS."""
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise SettingsError(f"A picture cannot be saved as “{path.name}”.", f"Use one of: {', '.join(FORMATS)}.")
    canvas = draw()
    canvas.figure.patch.set(alpha=1, facecolor="white")
    data = _printed(canvas, ending[1:])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _printed(canvas: Canvas, form: str) -> bytes:
    from matplotlib import rc_context

    # The same picture is the same bytes: no date, and ids that follow from what is drawn.
    nothing = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}}
    settings: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": "d365kit",
        "hatch.linewidth": 1.2,
        "font.family": "sans-serif",
    }
    out = BytesIO()
    with rc_context(settings), warnings.catch_warnings():
        # Fonts here may lack a script that the reader's browser has; only measuring suffers.
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")
        canvas.figure.savefig(out, format=form, dpi=144 if form == "png" else 72, metadata=nothing[form])
    return out.getvalue()
