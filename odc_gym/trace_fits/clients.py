"""Fit of client arrivals: shares of the clients, random rate factors, and gaps between requests."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from odc_gym.constants import HOUR_S
from odc_gym.scenario import ClientArrivals
from odc_gym.trace_fits.cox import fit_profile, fit_weekend, weekly_factor
from odc_gym.trace_fits.segment import CLIENT_WINDOW_S, Floats, TraceSegment
from odc_gym.workload.arrivals.clients import zipf_shares

MAX_CLIENTS = 200
MAX_ZIPF_EXPONENT = 5.0
MAX_AUTOCORRELATION = 0.995  # of the rate factors of neighbouring windows
HOUR_LAGS = np.arange(1, round(HOUR_S / CLIENT_WINDOW_S))  # lags within an hour, in windows
UNIT_FACTORS: Floats = np.ones(2)


def fit_clients(segment: TraceSegment, factor: Floats = UNIT_FACTORS) -> ClientArrivals:
    """Fit client arrivals to the shares, rate factors and gaps of a segment.

    The fit has eleven numbers, with the rate. The Zipf exponent gives the observed sum of the squared shares. Variance
    and autocorrelation of the rate factor are first measured on the sum of all clients, relative to profile and week.
    They are then converted to those of one client. The model's clients are independent, so each one takes a part of the
    variation that real clients have in common. The coefficient of variation of the gaps is weighted by requests.

    Args:
        segment: a segment with the counts of its clients.
        factor: (2,) factors on the dispersions at 600 and 3600 s.
    """
    counts = segment.clients
    assert counts is not None  # the caller has checked this
    total, mean = counts.sum(0), counts.mean(1)
    clients = min(int((mean > 0).sum()), MAX_CLIENTS)
    target = float(((mean / mean.sum()) ** 2).sum())
    zipf = round(_zipf_exponent(clients, target), 4)
    squared_shares = float((zipf_shares(clients, zipf) ** 2).sum())
    profile, weekend = fit_profile(segment, segment.counts), fit_weekend(segment, segment.counts)
    hour = (segment.begin_s + CLIENT_WINDOW_S * (np.arange(total.size) + 0.5)) / HOUR_S + 24 * (segment.weekday or 0)
    expected = weekly_factor(profile, weekend, hour)
    excess = total / total.mean() / expected - 1
    variance = max(float(excess.var()) - segment.client_gap_cv**2 / float(total.mean()), 0.0)
    autocorrelation = float((excess[1:] * excess[:-1]).mean()) / variance if variance > 0 else 0.0
    bounded = min(max(autocorrelation, 0.0), MAX_AUTOCORRELATION)
    return ClientArrivals(
        kind="clients",
        number=clients,
        zipf=zipf,
        gap_cv=round(segment.client_gap_cv, 4),
        window_s=CLIENT_WINDOW_S,
        rate_variance=round(float(factor[0]) * variance / squared_shares, 5),
        ar=round(_raise_autocorrelation(bounded, float(factor[1] / factor[0])), 4),
        profile=profile,
        weekend=weekend,
    )


def _zipf_exponent(clients: int, target: float) -> float:
    """Return the Zipf exponent for which the squared shares of the clients sum to `target`."""

    def excess(zipf: float) -> float:
        return float((zipf_shares(clients, zipf) ** 2).sum()) - target

    if excess(0.0) >= 0:
        return 0.0
    return float(brentq(excess, 0.0, MAX_ZIPF_EXPONENT)) if excess(MAX_ZIPF_EXPONENT) > 0 else MAX_ZIPF_EXPONENT


def _raise_autocorrelation(autocorrelation: float, factor: float) -> float:
    """Return the autocorrelation of windows that multiplies the variance ratio of an hour to a window by `factor`.

    Args:
        autocorrelation: correlation of neighbouring windows for a factor of 1.
        factor: factor on the ratio.
    """

    def variance_ratio(ar: float) -> float:
        return 1 + 2 * float(((1 - HOUR_LAGS / (HOUR_LAGS.size + 1)) * ar**HOUR_LAGS).sum())

    target = factor * variance_ratio(autocorrelation)
    if target <= variance_ratio(0.0):
        return 0.0
    if target >= variance_ratio(MAX_AUTOCORRELATION):
        return MAX_AUTOCORRELATION
    return float(brentq(lambda ar: variance_ratio(ar) - target, 0.0, MAX_AUTOCORRELATION))
