"""How Sphinx builds these pages: `sphinx-build -W docs docs/_build/html`."""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that the pages build without installing graphfit

project = "graphfit"
author = "graphfit contributors"
project_copyright = f"2026, {author}"
version = release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
    "version"
]

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# Docstrings state types in the words of numpydoc; repeating them in the signature would
# only add links to other projects' pages.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = True
autosummary_ignore_module_all = False  # a module's page lists what its `__all__` lists
numpydoc_show_class_members = False  # the class template shows them

# Every link must lead somewhere. Pages of other projects would need the network, so
# their names stay plain text.
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(astropy|collections|matplotlib|networkx|numpy|scipy|xarray)\..*"),
]

html_theme = "furo"
html_title = f"graphfit {release}"
