"""Make every dataset of the workspace: python simulators/all.py."""

import flux_and_counts
import identical
import low_snr
import moving_centre
import two_gaussians
import variable_sigma

if __name__ == "__main__":
    for simulator in (
        identical,
        variable_sigma,
        moving_centre,
        low_snr,
        flux_and_counts,
        two_gaussians,
    ):
        simulator.simulate()
