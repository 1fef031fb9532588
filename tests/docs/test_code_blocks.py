"""The python blocks of tutorials and how-to guides run, page by page, top to bottom.

A page's blocks share one namespace and one empty folder.  A block that cannot run here is
preceded by a line ``<!-- not run: why -->``.
"""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
QUICK = {"how-to/write-an-analysis.md"}

BLOCK = re.compile(
    r"(?P<skip>^<!-- not run: .+ -->\n+)?^```python\n(?P<code>.*?)^```$",
    re.DOTALL | re.M,
)


def code_blocks(page: Path) -> list[tuple[int, str]]:
    """Return the first line and the text of each block that is to run."""
    text = page.read_text()
    return [
        (text.count("\n", 0, match.start("code")), match["code"])
        for match in BLOCK.finditer(text)
        if not match["skip"]
    ]


def pages() -> list[object]:
    found = sorted([*DOCS.glob("tutorials/*.md"), *DOCS.glob("how-to/*.md")])
    return [
        pytest.param(
            page,
            id=(name := str(page.relative_to(DOCS))),
            marks=() if name in QUICK else pytest.mark.slow,
        )
        for page in found
        if code_blocks(page)
    ]


@pytest.mark.parametrize("page", pages())
def test_blocks_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "__main__"}
    for line, code in code_blocks(page):
        # Blank lines in front, so that a traceback counts as the page does.
        exec(compile("\n" * line + code, str(page), "exec"), namespace)


def test_the_skip_mark_is_read(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "text\n\n```python\na = 1\n```\n\n<!-- not run: needs a cluster -->\n"
        "```python\nboom\n```\n\n```text\nno code\n```\n"
    )
    assert code_blocks(page) == [(3, "a = 1\n")]
