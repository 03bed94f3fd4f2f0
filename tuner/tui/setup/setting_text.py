"""Settings in the form in which they are typed."""

from __future__ import annotations

from tuner.recipe.types import Choices, Range, Rate, Scalar, Scale, TiedRate


def exact_number_text(value: float) -> str:
    """Return the shortest text that means exactly this number: 1e-5, 0.06, 16."""
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    if 1e-3 < abs(value) < 1e6:
        return repr(float(value))
    mantissa, exponent = next(
        parts
        for digits in range(18)
        if float(text := f"{value:.{digits}e}") == value and (parts := text.split("e"))
    )
    return f"{mantissa}e{int(exponent)}"


def setting_text(setting: Rate, usual_scale: Scale = "linear") -> str:
    """Return a setting as typed; the scale is named where it is not the usual one."""
    match setting:
        case Range(low, high, scale):
            suffix = "" if scale == usual_scale else (" log" if scale == "log" else " lin")
            return f"{exact_number_text(low)}..{exact_number_text(high)}{suffix}"
        case TiedRate(group, times):
            return f"like {group}" + ("" if times == 1.0 else f" x {setting_text(times, 'log')}")
        case Choices(values):
            return "{" + ",".join(typed_scalar_text(value) for value in values) + "}"
        case _:
            return typed_scalar_text(setting)


def typed_scalar_text(value: Scalar) -> str:
    if isinstance(value, bool | str):
        return str(value).lower() if isinstance(value, bool) else value
    return exact_number_text(value)


def duration_text(seconds: float) -> str:
    """Return seconds as a recipe writes them: 8h, 1h30m, 45s."""
    parts, remainder = [], round(seconds)
    for unit, letter in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        count, remainder = divmod(remainder, unit)
        if count:
            parts.append(f"{count}{letter}")
    return "".join(parts) or exact_number_text(seconds)
