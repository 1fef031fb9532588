"""Results as text, compared with files in tests/expected/."""

from pathlib import Path

import pytest

from graphfit.result.text import aligned, decimals, number
from tests.result.fits import results

EXPECTED = Path(__file__).resolve().parents[1] / "expected"
TEXTS = {
    "joint": lambda: results().info,
    "day": lambda: results()["day"].info,
    "night": lambda: results()["night"].info,
    "optimum": lambda: results("optimum").info,
}


@pytest.mark.parametrize(("name", "make"), TEXTS.items(), ids=TEXTS)
def test_info(name, make):
    path = EXPECTED / f"result_{name}.txt"
    assert make() + "\n" == path.read_text(), (
        f"if it reads well, write it to {path.name}"
    )


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (0.0123, 3),
        (0.5, 2),
        (1.0, 1),
        (12.0, 0),
        (4e5, 0),
        (0.0, 10),
        (float("nan"), 10),
    ],
)
def test_two_digits_of_the_error(error, expected):
    assert decimals(error) == expected


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (1.23456, 2, "1.23"),
        (-0.5, 0, "-0"),
        (2.5e12, 1, "2.5e+12"),
        (1.5e-14, 15, "1.5e-14"),
    ],
)
def test_numbers(value, digits, expected):
    assert number(value, digits) == expected


def test_columns_are_aligned():
    rows = [["name", "value"], ["a", "1.0"], ["long name", "-12.25"]]
    assert aligned(rows) == "name        value\na             1.0\nlong name  -12.25"
