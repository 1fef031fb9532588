"""Where the parts of a sketched factor graph stand, in inches.

Columns from left to right: what shared parameters depend on, shared parameters, factors,
parameters of one factor, what those depend on.  A column's items stand as near as they can
to what they are linked to.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import final

import numpy as np

from graphfit.plot.sketch import Box, Circle, Row, Sketch
from graphfit.plot.spacing import spread, within

RADIUS = 0.07
LABEL_GAP = 0.06  # between a circle and its name
COLUMN_GAP = 0.6
BEND = 0.5  # the width of a link's curve
ROW_GAP = 0.16
PAD = 0.09  # inside boxes
MARGIN = 0.2
HEADING = 0.3
FOOT = 0.3
FOOTING = 0.16  # of a plate, where its count stands

NAME_SIZE = 8.5  # points
NOTE_SIZE = 7.0
LINE = 0.155  # inches from one line of text to the next

# width(text, size in points, bold) in inches
Measure = Callable[[str, float, bool], float]
Id = Hashable


@final
@dataclass(slots=True)
class Spot:
    """An item's place: its centre, and where links reach it.

    Attributes
    ----------
    x, y : float
        The centre (of a circle, not of its label).
    left, right : float
        The x where links from either side end: at the item, or beyond its name.
    lead_left, lead_right : float
        The edges of its column, up to which links run level.
    width, height : float
        Of a box.
    """

    x: float
    y: float
    left: float = 0.0
    right: float = 0.0
    lead_left: float = 0.0
    lead_right: float = 0.0
    width: float = 0.0
    height: float = 0.0


@final
@dataclass(slots=True)
class Placement:
    """Everything's place; ``headings`` are (x, text, alignment).

    Attributes
    ----------
    rows : list of Spot
        As the sketch's rows.
    circles : dict from id to Spot
    label_side : dict from id to {"left", "right"}
        On which side of its circle a name stands.
    boxes : list of Spot
        As the sketch's boxes.
    plates : list of (Spot, str)
        Around rows that stand for several, with how many.
    """

    width: float
    height: float
    rows: list[Spot]
    circles: dict[Id, Spot]
    label_side: dict[Id, str]
    boxes: list[Spot]
    plates: list[tuple[Spot, str]]
    headings: list[tuple[float, str, str]]


@final
@dataclass(slots=True)
class _Outer:
    """What stands on one side beyond the middle, level by level."""

    boxes: list[list[int]] = field(default_factory=list)
    circles: list[list[Id]] = field(default_factory=list)


def place(sketch: Sketch, measure: Measure) -> Placement:
    """Return the places of everything in a sketch.

    Parameters
    ----------
    sketch : Sketch
    measure : callable
        ``measure(text, size, bold)`` is the width of a line of text in inches.
    """
    return _Placing(sketch, measure).run()


class _Placing:
    def __init__(self, sketch: Sketch, measure: Measure) -> None:
        self.sketch = sketch
        self.measure = measure
        self.circles: dict[Id, Spot] = {}
        self.sides: dict[Id, str] = {}
        self.boxes: list[Spot] = [Spot(0.0, 0.0) for _ in sketch.boxes]
        self.shared = list(
            dict.fromkeys(id for row in sketch.rows for id in row.shared)
        )
        self.own = [id for row in sketch.rows for id in row.own]
        self.pitch = 0.36 if any(c.note for c in sketch.circles.values()) else 0.27
        self.headings: list[tuple[float, str, str]] = []

    def run(self) -> Placement:
        """Give heights first, then the columns from left to right."""
        heights = [self._row_height(row) for row in self.sketch.rows]
        middle = sum(heights) + ROW_GAP * (len(heights) - 1)
        outer = {side: self._outer(side) for side in ("left", "right")}
        columns = [self.shared, *outer["left"].circles, *outer["right"].circles]
        tallest = max([middle, *(len(column) * self.pitch for column in columns)])
        height = FOOT + tallest + HEADING + 2 * MARGIN
        top = height - MARGIN - HEADING - 0.5 * (tallest - middle)
        rows = self._row_levels(heights, top)
        self._levels(outer, rows, (FOOT + MARGIN, FOOT + MARGIN + tallest))
        x = self._side(outer["left"], MARGIN, "left")
        x = self._circle_column(self.shared, x, "left", "shared parameters")
        x = self._row_column(rows, x + COLUMN_GAP * bool(self.shared))
        edge = x
        own = "own parameters" if self.sketch.factor_count > 1 else "parameters"
        x = self._circle_column(self.own, x + 0.6 * COLUMN_GAP, "right", own)
        x = x if self.own else edge
        plates = self._plates(rows, heights, x)
        x = self._side(outer["right"], x, "right")
        return Placement(
            max(x + MARGIN, 3.4),
            height,
            rows,
            self.circles,
            self.sides,
            self.boxes,
            plates,
            self.headings,
        )

    # --- sizes ---------------------------------------------------------------------

    def _row_height(self, row: Row) -> float:
        footing = FOOTING * (row.count > 1)
        return footing + max(self._box_height(row), len(row.own) * self.pitch)

    def _box_height(self, row: Row) -> float:
        return 2 * PAD + LINE * (1 + len(row.notes))

    def _label_width(self, circle: Circle) -> float:
        name = self.measure(label_text(circle), NAME_SIZE, False)
        return max(name, self.measure(circle.note, NOTE_SIZE, False))

    def _row_width(self, row: Row) -> float:
        lines = [self.measure(note, NOTE_SIZE, False) for note in row.notes]
        return 2 * PAD + max([self.measure(row.label, NAME_SIZE, True), *lines])

    def _box_width(self, box: Box) -> float:
        return 1.6 * PAD + self.measure(box.label, NOTE_SIZE, False)

    # --- levels: what stands beside what --------------------------------------------

    def _outer(self, side: str) -> _Outer:
        """Return the boxes and the circles beyond the middle on one side, by level."""
        level: dict[Id, int] = dict.fromkeys((*self.own, *self.shared), 0)
        away: dict[Id, str] = dict.fromkeys(self.own, "right")
        away |= dict.fromkeys(self.shared, "left")
        outer = _Outer()
        pending = list(enumerate(self.sketch.boxes))
        while pending:
            ready = [(i, b) for i, b in pending if any(id in level for id in b.circles)]
            if not ready:
                break  # linked to rows that are left out
            number, box = ready[0]
            known = [id for id in box.circles if id in level]
            at = max(level[id] for id in known)
            its_side = "right" if any(away[id] == "right" for id in known) else "left"
            new = [id for id in box.circles if id not in level]
            for id in new:
                level[id], away[id] = at + 1, its_side
            if its_side == side:
                while len(outer.boxes) <= at:
                    outer.boxes.append([])
                    outer.circles.append([])
                outer.boxes[at].append(number)
                outer.circles[at] += new
            pending.remove((number, box))
        return outer

    # --- heights -------------------------------------------------------------------

    def _row_levels(self, heights: list[float], top: float) -> list[Spot]:
        rows = []
        for row, height in zip(self.sketch.rows, heights, strict=True):
            y = top - 0.5 * height
            y += 0.5 * FOOTING * (row.count > 1)
            rows.append(Spot(0.0, y, height=self._box_height(row)))
            first = y + 0.5 * (len(row.own) - 1) * self.pitch
            for k, id in enumerate(row.own):
                self.circles[id] = Spot(0.0, first - k * self.pitch)
            top -= height + ROW_GAP
        return rows

    def _levels(
        self, outer: dict[str, _Outer], rows: list[Spot], limits: tuple[float, float]
    ) -> None:
        linked: dict[Id, list[float]] = {}
        for row, spot in zip(self.sketch.rows, rows, strict=True):
            for id in row.shared:
                linked.setdefault(id, []).append(spot.y)
        wanted = [float(np.mean(linked[id])) for id in self.shared]
        # The first of those that want the same place stands at the top.
        self._set_levels(self.shared, wanted, limits)
        for side in outer.values():
            for numbers, ids in zip(side.boxes, side.circles, strict=True):
                self._box_levels(numbers, ids, limits)

    def _box_levels(
        self, numbers: list[int], new: list[Id], limits: tuple[float, float]
    ) -> None:
        for column in self._by_kind(numbers):
            wanted = []
            for number in column:
                linked = self.sketch.boxes[number].circles
                known = [self.circles[id].y for id in linked if id in self.circles]
                wanted.append(float(np.mean(known)))
            levels = within(-spread([-y for y in wanted], 0.34), limits)
            for number, y in zip(column, levels, strict=True):
                self.boxes[number].y = float(y)
        heights = {
            id: [self.boxes[n].y for n in numbers if id in self.sketch.boxes[n].circles]
            for id in new
        }
        self._set_levels(new, [float(np.mean(heights[id])) for id in new], limits)

    def _set_levels(
        self, ids: list[Id], wanted: list[float], limits: tuple[float, float]
    ) -> None:
        levels = within(-spread([-y for y in wanted], self.pitch), limits)
        for id, y in zip(ids, levels, strict=True):
            self.circles[id] = Spot(0.0, float(y))

    # --- columns -------------------------------------------------------------------

    def _circle_column(self, ids: list[Id], x: float, side: str, heading: str) -> float:
        """Set x of a column of circles whose names stand on `side`; return its end."""
        if not ids:
            return x
        widths = {id: self._label_width(self.sketch.circles[id]) for id in ids}
        widest = max(*widths.values(), self._heading_width(heading))
        reach = RADIUS + LABEL_GAP
        centre = x + RADIUS if side == "right" else x + widest + reach
        for id in ids:
            spot = self.circles[id]
            spot.x = centre
            far = reach + widths[id] + LABEL_GAP
            spot.left = centre - (far if side == "left" else RADIUS)
            spot.right = centre + (far if side == "right" else RADIUS)
            # Links run level up to the end of the longest name.
            longest = reach + widest + LABEL_GAP
            spot.lead_left = centre - (longest if side == "left" else RADIUS)
            spot.lead_right = centre + (longest if side == "right" else RADIUS)
            self.sides[id] = side
        self._heading(centre, heading, side)
        return x + widest + reach + RADIUS

    def _row_column(self, rows: list[Spot], x: float) -> float:
        width = max(self._row_width(row) for row in self.sketch.rows)
        width = max(width, 0.42)
        start = x
        heading = ""
        if self.sketch.factor_count > 1 or self.sketch.word == "dataset":
            heading = self.sketch.word + "s" * (self.sketch.factor_count > 1)
            x += max(0.0, 0.5 * (self._heading_width(heading) - width))
            self._heading(x + 0.5 * width, heading, "centre")
        for spot in rows:
            _set_box(spot, x + 0.5 * width, width)
        return x + width + (x - start)

    def _side(self, outer: _Outer, x: float, side: str) -> float:
        """Set the columns beyond the middle; return where they end."""
        for numbers, ids in _ordered(outer, side):
            columns = self._by_kind(numbers)
            if side == "left":
                x = self._circle_column(ids, x, side, "hyper-parameters")
                x += 0.6 * COLUMN_GAP * bool(ids)
                columns.reverse()
            for column in columns:
                x += BEND * (side == "right")
                x = self._box_column(column, x)
                x += BEND * (side == "left")
            if side == "right" and ids:
                x = self._circle_column(
                    ids, x + 0.6 * COLUMN_GAP, side, "hyper-parameters"
                )
        return x

    def _by_kind(self, numbers: list[int]) -> list[list[int]]:
        """Return the boxes of a level in columns: conditions nearer than populations."""
        kinds = ("condition", "prior")
        columns = [
            [number for number in numbers if self.sketch.boxes[number].kind == kind]
            for kind in kinds
        ]
        return [column for column in columns if column]

    def _box_column(self, numbers: list[int], x: float) -> float:
        width = max(self._box_width(self.sketch.boxes[number]) for number in numbers)
        kind = self.sketch.boxes[numbers[0]].kind
        heading = {"prior": "populations", "condition": "conditions"}[kind]
        width = max(width, self._heading_width(heading))
        for number in numbers:
            spot = self.boxes[number]
            spot.height = 0.22
            _set_box(spot, x + 0.5 * width, self._box_width(self.sketch.boxes[number]))
            spot.lead_left, spot.lead_right = x, x + width
        self._heading(x + 0.5 * width, heading, "centre")
        return x + width

    def _heading_width(self, text: str) -> float:
        return self.measure(text, NOTE_SIZE, False)

    def _heading(self, x: float, text: str, side: str) -> None:
        self.headings.append((x, text, side))

    def _plates(
        self, rows: list[Spot], heights: list[float], right: float
    ) -> list[tuple[Spot, str]]:
        pad = 0.09
        plates = []
        for row, spot, height in zip(self.sketch.rows, rows, heights, strict=True):
            if row.count > 1:
                left, width = spot.left - pad, right - spot.left + 2 * pad
                x, tall = left + 0.5 * width, height + 0.8 * pad
                y = spot.y - 0.5 * FOOTING
                plate = Spot(x, y, left, left + width, width=width, height=tall)
                plates.append((plate, f"× {row.count}"))
        return plates


def _set_box(spot: Spot, x: float, width: float) -> None:
    spot.x, spot.width = x, width
    spot.left = spot.lead_left = x - 0.5 * width
    spot.right = spot.lead_right = x + 0.5 * width


def _ordered(outer: _Outer, side: str) -> list[tuple[list[int], list[Id]]]:
    """Return the levels in the order of x."""
    levels = [
        (numbers, ids)
        for numbers, ids in zip(outer.boxes, outer.circles, strict=True)
        if numbers
    ]
    return levels[::-1] if side == "left" else levels


def label_text(circle: Circle) -> str:
    """Return a circle's name, with how many parameters it stands for."""
    return circle.label if circle.count == 1 else f"{circle.label}  (× {circle.count})"
