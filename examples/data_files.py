"""Where the real data of the examples are: a local copy, or astropy's remote data."""

import os
from pathlib import Path


def find(name, package_name):
    """Return the path of a data file.

    Looks in the folder named by GRAPHFIT_DATA, then in a folder ``shared/data`` beside the
    checkout, then asks astropy, which downloads it once and keeps it.
    """
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    for folder in (os.environ.get("GRAPHFIT_DATA"), beside):
        if folder and (Path(folder) / name).exists():
            return Path(folder) / name
    from astropy.utils.data import get_pkg_data_filename

    return Path(get_pkg_data_filename(package_name, package="astropy.utils.data"))
