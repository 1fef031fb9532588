"""A cube fit as text: what a user reads first."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from graphfit.result.text import aligned, decimals, number
from graphfit.samples.map_counts import status_counts
from graphfit.samples.pixel_maps import PixelMaps
from graphfit.samples.status import Status
from graphfit.typing import AnyArray, FloatArray

# Medians of maps with more pixels than this are over every k-th row.
SAMPLE = 4_000_000
# Summarised behind parameters and derived values, where there are such maps.
QUALITY = ("chi_squared", "log_evidence", "log_likelihood")


def cube_text(maps: PixelMaps, dims: tuple[str, ...], facts: Mapping[str, Any]) -> str:
    """Return the summary of a cube fit.

    Parameters
    ----------
    maps : PixelMaps
    dims : tuple of str
        The names of the map's axes.
    facts : mapping
        Of the run; what is not told is left out.
    """
    counts = status_counts(maps)
    parts = [_head(maps, dims, facts), _status_table(counts)]
    if facts.get("model"):
        model = "\n".join(f"  {line}" for line in str(facts["model"]).splitlines())
        parts.insert(1, f"Model\n{model}")
    parts.append(_map_table(maps, facts))
    warnings = [f"  {text}" for text in facts.get("warnings") or ()]
    if warnings:
        parts.append("\n".join(["Warnings", *warnings]))
    return "\n\n".join(part for part in parts if part)


def size_text(shape: tuple[int, ...], dims: tuple[str, ...]) -> str:
    """Return e.g. ``"12 x 15 pixels (y, x)"``.

    Examples
    --------
    >>> size_text((12, 15), ("y", "x")), size_text((1,), ("pixel",))
    ('12 x 15 pixels (y, x)', '1 pixel')
    """
    pixels = " x ".join(str(length) for length in shape) or "1"
    word = "pixel" if math.prod(shape) == 1 else "pixels"
    names = f" ({', '.join(dims)})" if len(dims) > 1 else ""
    return f"{pixels} {word}{names}"


def _head(maps: PixelMaps, dims: tuple[str, ...], facts: Mapping[str, Any]) -> str:
    rows = [["Cube fit", size_text(maps.shape, dims)]]
    if facts.get("search"):
        rows.append(["Search", str(facts["search"])])
    if facts.get("data"):
        rows.append(["Data", ", ".join(str(label) for label in facts["data"])])
    seconds, pixels = facts.get("seconds"), facts.get("pixels")
    if seconds is not None:
        speed = (
            f", {pixels / seconds:,.0f} pixels a second" if pixels and seconds else ""
        )
        rows.append(["Time", f"{_duration(seconds)}{speed}"])
    if facts.get("seed") is not None:
        rows.append(["Seed", str(facts["seed"])])
    rows += [["Rerun", _rerun(note)] for note in facts.get("reruns") or ()]
    return "\n".join(f"{name:<10}{text}" for name, text in rows)


def _rerun(note: Mapping[str, Any]) -> str:
    """Return what is told of pixels that were fitted again."""
    pixels = f"{note['pixels']} pixel{'s' * (note['pixels'] != 1)}"
    settings = note["settings"] or "other random numbers"
    return (
        f"{pixels} with {settings}; {_duration(note['seconds'])}, seed {note['seed']}"
    )


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.3g} s"
    hours, rest = divmod(round(seconds), 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {left:02d} s"


def _status_table(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    if not total:
        return ""
    rows = [
        [name.replace("_", " "), str(count), f"{100.0 * count / total:.1f} %"]
        for name, count in counts.items()
    ]
    lines = aligned(rows).splitlines()
    sentences = [Status[name.upper()].sentence for name in counts]
    rows_text = [f"  {a}  {b}" for a, b in zip(lines, sentences, strict=True)]
    return "\n".join(["Pixels by status", *rows_text])


def _map_table(maps: PixelMaps, facts: Mapping[str, Any]) -> str:
    """Return medians and 68 % ranges of the maps over the pixels with an answer."""
    step = -(-math.prod(maps.shape) // SAMPLE)
    chosen = slice(None, None, step) if maps.shape else ...
    good: Any = np.ones(maps.shape, dtype=bool)[chosen]
    if "status" in maps.arrays:
        codes = np.asarray(maps.arrays["status"][chosen])
        good = codes < Status.OUT_OF_EVALUATIONS
    if not good.any():
        return ""
    rows = [["map", "16 %", "median", "84 %", "median error", "unit"]]
    for name, label, values in _summarised(maps, facts, chosen):
        errors = maps.arrays.get(f"{name}_error")
        error = None if errors is None else np.asarray(errors[chosen])[good]
        unit = maps.spec(name).unit if label == name else ""
        rows.append(_map_row(label, values[good], error, unit))
    if len(rows) == 1:
        return ""
    of_rows = f", in one row of {step}" if step > 1 else ""
    head = f"Maps over the {int(good.sum())} pixels with an answer{of_rows}"
    return "\n".join([head, *(f"  {line}" for line in _table(rows))])


def _summarised(
    maps: PixelMaps, facts: Mapping[str, Any], chosen: Any
) -> list[tuple[str, str, AnyArray]]:
    """Return the maps of the table: name, what to call it, values."""
    wanted = [
        *(facts.get("parameter_names") or ()),
        *(facts.get("derived_names") or ()),
        *QUALITY,
    ]
    found = []
    for name in wanted:
        if name not in maps.arrays or maps.spec(name).shape:
            continue
        values = np.asarray(maps.arrays[name][chosen], dtype=float)
        label = name
        if name == "chi_squared" and "degrees_of_freedom" in maps.arrays:
            freedom = np.asarray(maps.arrays["degrees_of_freedom"][chosen], dtype=float)
            values = values / np.where(freedom > 0, freedom, np.nan)
            label = "reduced chi-squared"
        found.append((name, label, values))
    return found


def _map_row(
    label: str, values: FloatArray, errors: FloatArray | None, unit: str
) -> list[str]:
    known = values[np.isfinite(values)]
    if not known.size:
        return [label, "-", "-", "-", "-", unit]
    low, middle, high = np.quantile(known, [0.1587, 0.5, 0.8413])
    error = math.nan
    if errors is not None and np.isfinite(errors).any():
        error = float(np.median(errors[np.isfinite(errors)]))
    scale = error if error > 0 else max(high - middle, middle - low)
    digits = decimals(scale)
    texts = [number(value, digits) for value in (low, middle, high)]
    return [label, *texts, number(error, digits) if error > 0 else "-", unit]


def _table(rows: list[list[str]]) -> list[str]:
    """Return aligned lines, the last column to the left."""
    lines = aligned([row[:-1] for row in rows]).splitlines()
    if not any(row[-1] for row in rows[1:]):
        return lines
    width = max(len(line) for line in lines)
    return [
        f"{line:<{width}}  {row[-1]}".rstrip()
        for line, row in zip(lines, rows, strict=True)
    ]
