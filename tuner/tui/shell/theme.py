"""The looks of the screens: tuner's own theme, and the styles by role from whatever theme is on."""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style
from textual.color import Color
from textual.theme import Theme

from tuner.render.styles import Styles

LEGIBLE = 3.0
"""The contrast that text has at least, whatever the theme; WCAG 2 asks it of large text."""
FAINT = 1.5
"""The same for what only fills: axes, curves in the background."""

TUNER_THEME = Theme(
    name="tuner",
    primary="#5aa9e6",
    secondary="#7b8cde",
    accent="#e8b04b",
    warning="#e8b04b",
    error="#f0706e",
    success="#62c48a",
    foreground="#d5dbe3",
    background="#10141a",
    surface="#161b23",
    panel="#1d242e",
    dark=True,
    variables={
        "border-blurred": "#3a4655",
        "footer-key-foreground": "#e8b04b",
        "block-cursor-blurred-background": "#26313f",
    },
)


def styles_from_variables(variables: Mapping[str, str]) -> Styles:
    """Derive the styles by role from a theme's CSS variables."""
    colors = _ThemeColors(variables)
    return Styles(
        text=colors.text_style("foreground"),
        muted=colors.text_style("foreground", 0.66),
        faint=colors.text_style("foreground", 0.38),
        heading=colors.text_style("foreground", bold=True),
        accent=colors.text_style("text-primary"),
        running=colors.text_style("text-primary", bold=True),
        paused=colors.text_style("text-warning"),
        complete=colors.text_style("text-success"),
        pruned=colors.text_style("text-secondary", 0.9),
        collapsed=colors.text_style("text-warning"),
        failed=colors.text_style("text-error"),
        best=colors.text_style("text-accent", bold=True),
        good=colors.ramp_styles("success"),
        bad=colors.ramp_styles("error"),
    )


class _ThemeColors:
    """The colors of one theme, mixed with its background where they should recede."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._background = self._theme_color("background")
        self._text = self._theme_color("foreground")
        self._named = any(color.ansi is not None for color in (self._background, self._text))

    def text_style(self, name: str, share: float = 1.0, *, bold: bool = False) -> Style:
        """Return a style in a theme's color; `share` below one lets the background through."""
        color = self._theme_color(name)
        if self._named:
            return Style(color=color.rich_color, bold=bold, dim=share < 0.8)
        faded = self._background.blend(color, share)
        return Style(color=self._legible_color(faded, share).rich_color, bold=bold)

    def ramp_styles(self, name: str) -> tuple[Style, ...]:
        """Return five cell styles from nearly empty to full: the color grows behind the number."""
        color = self._theme_color(name)
        if self._named:
            named = color.rich_color
            plain, strong = Style(color=named), Style(color=named, bold=True)
            return (Style(dim=True), plain, plain, strong, strong + Style(reverse=True))
        return tuple(self._ramp_cell_style(color, share) for share in (0.0, 0.14, 0.28, 0.46, 0.66))

    def _ramp_cell_style(self, color: Color, share: float) -> Style:
        if not share:
            faded = self._background.blend(self._text, 0.5)
            return Style(color=self._legible_color(faded, 0.5).rich_color)
        ground = self._background.blend(color, share)
        ink = max(
            (self._text, self._background), key=lambda candidate: contrast_ratio(ground, candidate)
        )
        while contrast_ratio(ground, ink) < LEGIBLE and share > 0.1:
            share -= 0.04
            ground = self._background.blend(color, share)
            ink = self._text
        return Style(color=ink.rich_color, bgcolor=ground.rich_color)

    def _legible_color(self, color: Color, share: float) -> Color:
        """Blend the color towards the theme's text until it is legible."""
        least = LEGIBLE if share >= 0.5 else FAINT
        for _ in range(20):
            if contrast_ratio(self._background, color) >= least:
                break
            color = color.blend(self._text, 0.15)
        return color

    def _theme_color(self, name: str) -> Color:
        return Color.parse(self._variables[name].split(" ")[0])


def contrast_ratio(first: Color, second: Color) -> float:
    """Return the contrast ratio of two colors as WCAG 2 defines it, 1…21."""
    lighter, darker = sorted(
        (_relative_luminance(first), _relative_luminance(second)), reverse=True
    )
    return (lighter + 0.05) / (darker + 0.05)


def _relative_luminance(color: Color) -> float:
    channels = (channel / 255 for channel in color.rgb)
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
