"""gf.NestedSampler on real spectra: beside dynesty, beside the truth, on a whole cube.

One Gaussian, or two in the order of their means, at spectra of L1448 from the faintest to the
brightest; both samplers have the same priors, live points and end.  dynesty gets graphfit's
compiled likelihood (gf.DynestyStatic): what it takes is its own Python.

What one run says of a posterior is its own noise.  So ours are `COPIES` runs of each spectrum
with different random numbers, and the truth of both is importance sampling with 200 000 draws
(tests/reference/importance_evidence.py), which knows of neither.

    OPENBLAS_NUM_THREADS=1 python -m pytest --benchmark-only -s \\
        tests/benchmarks/test_nested.py
"""

import os
import subprocess
import sys
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphfit as gf
from graphfit.model_choice.components import component_model
from tests.benchmarks.nested_problem import (
    log_likelihood,
    parameters,
    two_ordered,
    units,
)
from tests.benchmarks.problems import Spectra, l1448, line, synthetic
from tests.benchmarks.timing import cpu_time, note
from tests.reference.importance_evidence import ImportanceEvidence, importance_evidence

N_LIVE = 250
DRAWS = 64
