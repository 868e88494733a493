"""Routes on networks small enough to be followed with a finger."""

import numpy as np
import pytest
from networks import net

from odc_gym.core.network.routes import (
    clear_routes,
    count_route,
    route_expiry_step,
    shared_rate_gb_s,
    trace_route,
    transfer_end_s,
)

LINE = {(0, 1), (1, 2), (2, 3)}


def path(e, source, destination, tick=0):
    return e.work.traffic.path[: trace_route(e, source, destination, tick)].tolist()


def lasts(e, source, destination, gb, tick):
    return transfer_end_s(e, source, destination, gb, tick, 0.0) < np.inf


def test_a_way_along_a_line_and_back():
    e = net([(10, {*LINE, (0, 4)})], 4)
    assert path(e, 0, 3) == [0, 1, 2, 3] and path(e, 3, 1) == [3, 2, 1] and path(e, 2, 2) == [2]
    assert path(e, 3, 4) == [3, 2, 1, 0, 4]  # only satellite 0 sees the ground
    assert path(e, 4, 2) == [4, 0, 1, 2]
    assert shared_rate_gb_s(e, 1, 1, 0) == np.inf


def test_no_way_has_no_rate_and_does_not_last():
    e = net([(10, {(0, 1), (2, 3), (0, 4)})], 4)
    assert path(e, 0, 2) == [] and path(e, 2, 4) == [] and path(e, 4, 3) == []
    assert shared_rate_gb_s(e, 0, 2, 0) == 0.0 and not lasts(e, 4, 3, 1.0, 0)
    assert lasts(e, 4, 3, 0.0, 0)  # nothing to send needs no way


def test_pairs_without_a_way_of_their_own_cross_the_ground_where_it_bridges():
    """Catches a walk that comes down the way it went up."""
    pairs = {(0, 1), (2, 3), (0, 4), (3, 4)}
    assert path(net([(10, pairs)], 4), 1, 2) == []
    e = net([(10, pairs)], 4, bridged=True)
    assert path(e, 1, 2) == [1, 0, 4, 3, 2]
    assert path(e, 0, 1) == [0, 1]  # an own link goes first


def test_transfers_share_what_they_have_in_common():
    """Two transfers meet on one of four links: only that one is halved, and only in their direction."""
    e = net([(10, {*LINE, (3, 4)})], 5, isl_gb_s=[3.0, 1.0, 3.0, 3.0, 3.0])
    assert shared_rate_gb_s(e, 2, 4, 0) == 3.0 and shared_rate_gb_s(e, 0, 2, 0) == 1.0  # the slower end
    count_route(e, trace_route(e, 1, 3, 0), 7)
    assert (
        shared_rate_gb_s(e, 2, 4, 0) == 1.5
        and shared_rate_gb_s(e, 0, 1, 0) == 1.0
        and shared_rate_gb_s(e, 4, 2, 0) == 3.0
    )
    count_route(e, trace_route(e, 1, 3, 0), 7)  # the same job does not share with itself
    assert shared_rate_gb_s(e, 2, 4, 0) == 1.5
    count_route(e, trace_route(e, 2, 3, 0), 8)
    assert shared_rate_gb_s(e, 2, 4, 0) == 1.0
    clear_routes(e)
    assert shared_rate_gb_s(e, 2, 4, 0) == 3.0 and not e.work.traffic.transfers.any()


def test_a_way_lasts_until_it_closes():
    """The pair parts after four steps: 240 GB need them all, one more GB is too many. Catches an off-by-one step."""
    e = net([(4, LINE), (6, {(0, 1)})], 4)
    assert route_expiry_step(e, 0, 3, 0) == route_expiry_step(e, 0, 3, 3) == 4 and route_expiry_step(e, 0, 1, 0) == 10
    assert lasts(e, 0, 3, 240.0, 0) and not lasts(e, 0, 3, 241.0, 0)
    assert lasts(e, 0, 3, 60.0, 3) and not lasts(e, 0, 3, 61.0, 3)
    count_route(e, trace_route(e, 1, 2, 0), 1)
    assert not lasts(e, 0, 3, 240.0, 0)  # half the rate, twice the time


def test_a_bridge_takes_over_from_a_way_that_closes():
    pairs = {(0, 2), (1, 2)}
    e = net([(4, {*pairs, (0, 1)}), (6, pairs)], 2, bridged=True)
    assert route_expiry_step(e, 0, 1, 0) == 10
    assert route_expiry_step(net([(4, {(0, 1)}), (6, set())], 2), 0, 1, 0) == 4


@pytest.mark.parametrize(("source", "destination"), [(4, 1), (1, 4)])
def test_ways_to_the_ground_close_with_their_contact(source, destination):
    e = net([(4, {*LINE, (0, 4)}), (3, {*LINE, (3, 4)}), (3, LINE)], 4, ground_gb_s=[2.0, 2.0, 2.0, 0.5])
    assert route_expiry_step(e, source, destination, 0) == 7
    assert shared_rate_gb_s(e, source, destination, 0) == 1.0 and shared_rate_gb_s(e, source, destination, 5) == 0.5
    assert shared_rate_gb_s(e, source, destination, 8) == 0.0
