"""Bars of one line: progress, shares, ranges."""

from __future__ import annotations

from tuner.render.charts.axes import Scale

_EIGHTHS = " ▏▎▍▌▋▊▉█"


def draw_share_bar(share: float, width: int) -> str:
    """Draw to an eighth of a cell; anything above zero is visible."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    if share > 0:
        eighths = max(eighths, 1)
    full, remainder = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[remainder] if remainder else "")


def draw_progress_bar(share: float, width: int) -> str:
    """Draw ▕████░░░░▏ in `width` cells, its ends included."""
    inner = max(width - 2, 1)
    full = round(min(max(share, 0.0), 1.0) * inner)
    return "▕" + "█" * full + "░" * (inner - full) + "▏"


def draw_range_bar(low: float, high: float, scale: Scale, width: int) -> str:
    """Draw ├─────┤ where low…high lies on the scale; ● where it is one point."""
    start = round(scale.share_of_value(low) * (width - 1))
    end = round(scale.share_of_value(high) * (width - 1))
    if start == end:
        return " " * start + "●" + " " * (width - 1 - start)
    return " " * start + "├" + "─" * (end - start - 1) + "┤" + " " * (width - 1 - end)


def draw_position_bar(value: float, scale: Scale, width: int) -> str:
    """Draw ├───●───┤ with the point where the value lies in its own range."""
    position = round(scale.share_of_value(value) * (width - 3)) if width > 3 else 0
    return "├" + "─" * position + "●" + "─" * max(width - 3 - position, 0) + "┤"
