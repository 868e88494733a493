r"""Fits of workload generators to recorded traces, for `odc-gym trace info`.

A `TraceSegment` holds the arrival counts and the sizes of a stretch of a trace. `fit_generator` fits a random process
of arrivals and the distributions of sizes to it. `holdout_checks` compares the fitted generator with a segment that the
fit has not seen.

    from pathlib import Path

    import numpy as np

    from odc_gym.trace_fits import fit_generator, segment_of
    from odc_gym.workload import read_trace

    rng = np.random.default_rng(1)
    arrival_s, duration_s = rng.uniform(0, 259200, 2000), rng.lognormal(7, 1, 2000)
    rows = "".join(f"{a:.3f},{d:.1f},1\n" for a, d in zip(arrival_s, duration_s))
    Path("jobs.csv").write_text("arrival_s,duration_s,accelerators\n" + rows)
    trace = read_trace("jobs.csv").jobs["finetuning"]
    generator = fit_generator(segment_of(trace))
    print(generator.scenario_fields())
"""

from odc_gym.trace_fits.generator import FittedGenerator, fit_generator
from odc_gym.trace_fits.holdout import holdout_checks
from odc_gym.trace_fits.segment import SizeSample, TraceSegment, segment_of, split_segments

__all__ = [
    "FittedGenerator",
    "SizeSample",
    "TraceSegment",
    "fit_generator",
    "holdout_checks",
    "segment_of",
    "split_segments",
]
