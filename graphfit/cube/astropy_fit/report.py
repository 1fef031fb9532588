"""Diagnostics of compiled fits: written when all are done, from how each of them ended."""

import numpy as np

from graphfit.cube.astropy_fit.job import Job
from graphfit.cube.astropy_fit.models import scalar_model
from graphfit.cube.astropy_fit.pieces import chunks
from graphfit.cube.astropy_fit.rows import JobReader, Spectra
from graphfit.cube.astropy_fit.run import Found
from graphfit.cube.fitting.rows import RegionRows
from graphfit.samples import Status


def report_compiled(job: Job, found: Found) -> None:
    """Write the folders of compiled fits that are to have one.

    Parameters
    ----------
    job : Job
    found : Found
        Where ``broken_calls`` is counted.
    """
    if job.diagnostics is None:
        return
    reader = JobReader.of(job)
    for region in chunks(job):
        if _any_wanted(job, found.status[region]):
            _report(job, found, reader.read(region))


def _report(job: Job, found: Found, rows: RegionRows) -> None:
    record = job.diagnostics
    assert record is not None
    model = scalar_model(job.plain.model)
    spectra = Spectra(rows, job.axes.fit_shape)
    for row, place in enumerate(map(tuple, rows.indices().tolist())):
        status = Status(int(found.status[place]))
        error, warned = _words(status)
        if status == Status.MASKED or not record.wanted(error, warned):
            continue
        values = found.values[(slice(None), *place)]
        for name, value in zip(model.param_names, values, strict=True):
            getattr(model, name).value = value
        answer = None if error else model.copy()
        arguments = (*spectra.at(row).told(), answer, {})
        found.broken_calls += not record.write(place, error, warned, arguments)


def _any_wanted(job: Job, status: np.ndarray) -> bool:
    record = job.diagnostics
    assert record is not None
    codes = [Status(int(code)) for code in np.unique(status)]
    return any(record.wanted(*_words(code)) for code in codes if code != Status.MASKED)


def _words(status: Status) -> tuple[str, list[str]]:
    """Return the text for error.log, and those for warn.log."""
    if status >= Status.NON_FINITE:
        return f"{status.name}: {status.sentence}\n", []
    return "", [] if status == Status.CONVERGED else [
        f"{status.name}: {status.sentence}"
    ]
