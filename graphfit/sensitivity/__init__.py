"""Sensitivity mapping: which perturbations data like these would show."""

from graphfit.sensitivity.sensitivity import Sensitivity
from graphfit.sensitivity.sensitivity_result import SensitivityResult

__all__ = ["Sensitivity", "SensitivityResult"]
