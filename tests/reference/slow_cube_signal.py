"""Slow, obvious twins of the signal tools: one spectrum, one voxel at a time."""

import itertools
import math
import statistics


def noise(spectrum, masked):
    """From the differences of each point used and the one used before it."""
    used = [
        float(value)
        for value, hidden in zip(spectrum, masked, strict=True)
        if math.isfinite(value) and not hidden
    ]
    if len(used) < 2:
        return math.nan
    sizes = [abs(b - a) for a, b in itertools.pairwise(used)]
    return 1.4826022185056018 / math.sqrt(2.0) * statistics.median(sizes)


def signal_mask(low, high, structure, min_high, min_low):
    """By filling one region after the other from a seed voxel."""
    axes = low.ndim
    steps = [
        tuple(i - 1 for i in place)
        for place in itertools.product(range(3), repeat=axes)
        if structure[place]
    ]
    mask = low & False
    seen = low & False
    for seed in itertools.product(*(range(n) for n in low.shape)):
        if not low[seed] or seen[seed]:
            continue
        region, queue = [], [seed]
        seen[seed] = True
        while queue:
            place = queue.pop()
            region.append(place)
            for step in steps:
                near = tuple(i + s for i, s in zip(place, step, strict=True))
                inside = all(0 <= i < n for i, n in zip(near, low.shape, strict=True))
                if inside and low[near] and not seen[near]:
                    seen[near] = True
                    queue.append(near)
        bright = sum(bool(high[place]) for place in region)
        if len(region) > min_low and bright > min_high:
            for place in region:
                mask[place] = True
    return mask


def dilated(mask, channels):
    """One spectrum: True if any channel near enough is."""
    return [
        any(mask[max(0, k - channels) : k + channels + 1]) for k in range(len(mask))
    ]


def moments(spectrum, x, used):
    """One spectrum, by the defining sums."""
    steps = [abs(b - a) for a, b in itertools.pairwise(x)]
    inner = [abs(x[k + 1] - x[k - 1]) / 2 for k in range(1, len(x) - 1)]
    width = [steps[0], *inner, steps[-1]]
    chosen = [k for k in range(len(x)) if used[k]]
    m0 = math.fsum(spectrum[k] * width[k] for k in chosen)
    m1 = math.fsum(spectrum[k] * width[k] * x[k] for k in chosen) / m0
    m2 = math.fsum(spectrum[k] * width[k] * (x[k] - m1) ** 2 for k in chosen) / m0
    return m0, m1, m2
