"""Data on its way, minute by minute on networks drawn by hand: 120 GB over links of 1 GB/s, and of 2 to the ground."""

import numpy as np
import pytest
from desk import Desk, fleet_of

from odc_gym.core.layout.state import LOST
from odc_gym.core.layout.work import DONE, EXPIRED, INPUT, RESULT, RUNNING, SENDING, STATE, WAITING, WEIGHTS
from odc_gym.errors import ScenarioError
from odc_gym.scenario import TIERS

LINE = {(0, 1), (1, 2), (2, 3)}
GROUND = {(k, 4) for k in range(4)}


def restart(desk, s, at, **columns):
    """A job with a checkpoint on satellite `at` waits for satellite `s`."""
    row = desk.job("finetuning", **columns)
    desk.checkpoint(row, at)
    desk.open(s)
    return row


def test_a_checkpoint_comes_over_relays_whose_terminals_work():
    """Two hops, two minutes; the relay has two terminals at work. Catches power for the destination alone."""
    desk, idle = Desk(4, [(1, LINE)]), Desk(4, [(1, LINE)])
    row = restart(desk, 2, 0)
    for sim in (desk, idle):
        sim.play()
    assert desk.cargo(row)[STATE] == 60.0 and desk.run(row)["active"] == 0.0
    assert desk.state("terminals").tolist() == [1.0, 2.0, 1.0, 0.0]
    drawn = desk.state("bus_wanted_w") - idle.state("bus_wanted_w")
    assert drawn.tolist() == pytest.approx([80.0, 160.0, 80.0, 0.0], abs=1e-9)
    desk.play()
    assert desk.cargo(row)[STATE] == 0.0 and desk.run(row)["state_at"] == 2 and desk.run(row)["uncheckpointed_s"] == 0.0
    desk.play()
    assert desk.state("terminals").tolist() == [0.0] * 4 and desk.run(row)["uncheckpointed_s"] > 0.0
    assert desk.account("asked_gb") == desk.account("state_gb") == 120.0


def test_two_transfers_on_one_link_take_twice_as_long():
    """From 0 and from 1 to 2: they meet on the second link only. Catches shares by satellite instead of by link."""
    desk = Desk(4, [(1, LINE)])
    rows = [restart(desk, 2, at) for at in (0, 1)]
    desk.play()
    assert [desk.cargo(row)[STATE] for row in rows] == [90.0, 90.0]
    assert desk.state("terminals").tolist() == [0.5, 1.5, 1.0, 0.0]
    aside = Desk(4, [(1, LINE)], isl_gb_s=[1.0, 1.0, 2.0, 2.0])
    rows = [restart(aside, 2, at) for at in (0, 3)]
    aside.play()
    assert [aside.cargo(row)[STATE] for row in rows] == [60.0, 0.0]  # nothing in common, and a faster link


def test_nothing_moves_without_a_way():
    """Neither over a gap, nor once a way fails that was planned to hold; it goes on where it stopped."""
    desk = Desk(4, [(1, {(0, 1), (2, 3)})])
    row = restart(desk, 2, 0)
    desk.play(3)
    assert desk.run(row)["status"] == WAITING and desk.account("asked_gb") == 0.0
    desk.network([(1, LINE)])
    desk.play()
    assert desk.cargo(row)[STATE] == 60.0
    desk.network([(1, set())])
    desk.play(5)
    assert desk.cargo(row)[STATE] == 60.0 and desk.state("terminals").max() == 0.0
    assert desk.run(row)["status"] == RUNNING and desk.run(row)["uncheckpointed_s"] == 0.0
    desk.network([(1, LINE)])
    desk.play()
    assert desk.cargo(row)[STATE] == 0.0


@pytest.mark.parametrize(("minutes", "goes"), [(1, False), (2, True)])
def test_a_move_needs_a_way_that_lasts(minutes, goes):
    """120 GB take two minutes; a way that closes after one is refused, and the job stays where it is."""
    desk = Desk(4, [(9, LINE)])
    desk.open(0)
    row = desk.job("finetuning")
    desk.play(3)
    assert desk.run(row)["host"] == 0 and desk.run(row)["uncheckpointed_s"] > 0.0
    desk.network([(minutes, LINE), (1, {(1, 2), (2, 3)})])
    desk.open(1)
    desk.play(minutes)
    assert desk.run(row)["host"] == (1 if goes else 0)
    assert desk.account("moved") == (1.0 if goes else 0.0)
    assert desk.account("state_gb") == (120.0 if goes else 0.0)


def test_a_move_over_the_ground_loads_both_ends():
    """Catches the move that only its destination pays for."""
    desk = Desk(4, [(1, GROUND)], bridged=True)
    row = restart(desk, 2, 0)
    desk.play()
    assert desk.state("terminals").tolist() == [1.0, 0.0, 1.0, 0.0]
    assert desk.cargo(row)[STATE] == 0.0
    assert Desk(4, [(1, GROUND)]).sim.tables.links.bridged[0, 0] == 0


def test_a_restart_where_the_checkpoint_lies_brings_nothing():
    desk = Desk(4, [(1, set())])
    row = restart(desk, 3, 3)
    desk.play()
    assert desk.run(row)["host"] == 3 and desk.account("asked_gb") == 0.0 and desk.run(row)["uncheckpointed_s"] > 0.0


def test_what_a_lost_satellite_held_comes_from_the_ground():
    desk = Desk(4, [(1, GROUND)])
    row = restart(desk, 2, 0)
    desk.sim.tables.skies[0, :, 4, 0] = LOST
    desk.play()
    assert desk.run(row)["host"] == 2 and desk.account("state_gb") == 120.0
    assert desk.state("terminals").tolist() == [0.0, 0.0, 1.0, 0.0]


def test_data_of_a_satellite_comes_from_there():
    """Edge work elsewhere brings its raw data from its origin, at home it brings none."""
    scenario = fleet_of(4, workload__classes__batch__data_in_gb=30.0)
    desk = Desk(4, [(1, LINE)], scenario)
    away, home = desk.job("batch", origin=0), desk.job("batch", origin=2)
    desk.open(2)
    desk.play()
    assert desk.run(away)["host"] == desk.run(home)["host"] == 2
    assert desk.account("input_gb") == 30.0 and desk.run(home)["active"] == 1.0 and desk.run(away)["active"] == 0.5
    assert desk.state("terminals").tolist() == [0.5, 1.0, 0.5, 0.0]


def test_a_job_that_leaves_in_transfer_drops_the_rest():
    desk = Desk(4, [(1, LINE)])
    row = restart(desk, 2, 0)
    desk.play()
    desk.open(elsewhere=-1.0)
    desk.play()
    assert desk.run(row)["status"] == WAITING and desk.run(row)["state_at"] == 0
    assert desk.account("dropped_gb") == 60.0 and desk.account("state_gb") == 60.0
    assert not desk.cargo(row).any()


RESULTS = {
    "workload__classes__finetuning__data_out_gb": 180.0,
    "workload__classes__finetuning__hold_back": 0.5,
    "workload__classes__finetuning__progress__every_min": 1000.0,
}


def test_results_are_paid_when_they_arrive():
    """Done in the first minute, no contact for five; accelerators are free meanwhile, pay is that of the delivery.

    The deadline passes before the contact: catches pay by the time at which the work was done.
    """
    desk = Desk(4, [(6, set()), (1, GROUND)], fleet_of(4, **RESULTS), latency_s=3.0)
    desk.open(1)
    row = desk.job("finetuning", work_s=20.0, deadline_s=60.0, expiry_s=1060.0)
    desk.play()
    value = 20.0 / 3600.0
    assert desk.run(row)["status"] == SENDING and desk.sim.sat.free[0, 1] == 8.0
    assert desk.account("paid") == pytest.approx(0.5 * value, rel=1e-12)
    desk.play(5)
    assert desk.run(row)["status"] == SENDING and desk.cargo(row)[RESULT] == 180.0
    desk.play(2)
    assert desk.run(row)["status"] == DONE and desk.run(row)["finished_s"] == pytest.approx(360.0 + 90.0 + 3.0)
    late = (1060.0 - 453.0) / 1000.0
    assert desk.account("paid") == pytest.approx(0.5 * value * (1.0 + late), rel=1e-9)
    assert desk.account("on_time") == 0.0 and desk.account("result_gb") == 180.0


def test_results_wait_for_compute_neither_on_nor_off():
    """A shed satellite sends all the same; one that is lost drops what it held, and nothing more is paid."""
    sent, lost = (Desk(4, [(2, set()), (1, GROUND)], fleet_of(4, **RESULTS)) for _ in range(2))
    rows = []
    for desk in (sent, lost):
        desk.open(1)
        rows.append(desk.job("finetuning", work_s=20.0))
        desk.play()
    sent.sim.tables.skies[0, :, 4, 1] = 1.0
    lost.sim.tables.skies[0, :, 4, 1] = LOST
    for desk in (sent, lost):
        paid = desk.account("paid")
        desk.play(4)
        assert (desk.account("paid") > paid) == (desk is sent)
    assert sent.run(rows[0])["status"] == DONE and sent.account("result_gb") == 180.0
    assert lost.run(rows[1])["status"] == EXPIRED and lost.account("dropped_gb") == 180.0


def test_worthless_results_are_dropped():
    desk = Desk(4, [(9, set())], fleet_of(4, **RESULTS))
    desk.open(1)
    row = desk.job("finetuning", work_s=20.0, deadline_s=60.0, expiry_s=120.0)
    desk.play(4)
    assert desk.run(row)["status"] == EXPIRED and desk.account("dropped_gb") == 180.0
    assert desk.sim.scalars[0]["sending"] == 0


MODELS = {
    "workload__models": {"a": {"gb": 60.0}, "b": {"gb": 60.0}, "c": {"gb": 60.0}},
    "hardware__odcsat__storage_gb": 125.0,
}


def test_models_stay_and_the_least_recently_used_leaves():
    """Room for two of three: a, b, a again, then c takes the place of b. Catches first-in-first-out."""
    desk = Desk(4, [(1, GROUND)], fleet_of(4, **MODELS))
    desk.open(1)
    brought = []
    for model in (1, 2, 1, 3, 1, 2):
        row = desk.job("batch", work_s=10.0, model=model)
        before = desk.account("weights_gb")
        desk.play(2)
        assert desk.run(row)["status"] == DONE
        brought.append(desk.account("weights_gb") - before)
    assert brought == [60.0, 60.0, 0.0, 60.0, 0.0, 60.0]
    assert (desk.sim.mutable.cached_models[0, 1:4, 1] > 0.0).tolist() == [True, True, False]


def test_models_in_use_stay():
    desk = Desk(4, [(1, GROUND)], fleet_of(4, **MODELS))
    desk.open(1)
    for model in (1, 2):
        desk.job("batch", model=model)
        desk.play(2)
    desk.job("batch", model=3)
    desk.play(2)
    assert (desk.sim.mutable.cached_models[0, 1:4, 1] > 0.0).tolist() == [True, True, False]
    assert desk.sim.scalars[0]["running"] == 3


def test_a_replica_started_again_loads_nothing():
    """The weights of a service are a model: the second start on the same satellite brings none."""
    desk = Desk(4, [(1, GROUND)])
    desk.open(1)
    desk.sim.tables.demand[0, :, 1, 2] = 1000.0
    desk.play(3)
    loaded = desk.account("weights_gb")
    assert loaded >= 140.0 and desk.account("placed") >= 1.0
    desk.open(elsewhere=-1.0)
    desk.play()
    assert desk.sim.scalars[0]["running"] == 0
    desk.open(1)
    desk.play(3)
    assert desk.sim.scalars[0]["running"] >= 1 and desk.account("weights_gb") == loaded


def two_sorts(**changes):
    """Two satellites with 80 GB an accelerator and two with 141 GB; finetuning needs 100 GB of each of its."""
    starter = fleet_of(1).model_dump()
    small = starter["hardware"]["odcsat"] | {}
    small["accelerators"] = small["accelerators"] | {"hbm_gb": 80.0}
    orbit = starter["shells"][0]["orbit"] | {"total": 2}
    return fleet_of(
        2,
        hardware={"small": small, "odcsat": starter["hardware"]["odcsat"]},
        shells=[{"hardware": "small", "orbit": orbit}, {"hardware": "odcsat", "orbit": orbit}],
        workload__classes__finetuning__memory_gb=100.0,
        **changes,
    )


def test_jobs_go_where_their_memory_fits():
    desk = Desk(4, [(1, GROUND)], two_sorts())
    tight, light = desk.job("finetuning"), desk.job("batch")
    desk.open(0, 1)
    desk.play(2)
    assert desk.run(tight)["status"] == WAITING and desk.run(light)["status"] == RUNNING
    desk.open(0, 1, 3)
    desk.play()
    assert desk.run(tight)["host"] == 3


def test_jobs_are_promised_only_satellites_whose_memory_fits():
    """Both with memory enough are busy, and those without are free: catches a promise there, which never comes true."""
    desk = Desk(4, [(1, GROUND)], two_sorts())
    desk.open(2, 3)
    for work_s in (8e3, 1.6e4):
        desk.job("finetuning", work_s=work_s, width=8)
    desk.play()
    wide = desk.job("finetuning", width=8)
    desk.open(0, 1, 2, 3)
    desk.play()
    assert desk.sim.scalars["reserved_row"][0] == wide
    assert (desk.state("reserved") > 0.0).nonzero()[0].tolist() in ([2], [3])


def test_nobody_makes_way_where_memory_does_not_fit():
    """A spot job on a small satellite, and a guaranteed one that needs more. Catches a preemption that helps nobody."""
    tenants = {"press": {"tier": "guaranteed"}, "night": {"tier": "spot"}}
    desk = Desk(4, [(1, GROUND)], two_sorts(workload__tenants=tenants))
    desk.open(0)
    spot = desk.job("batch", width=8, tier=TIERS.index("spot"))
    desk.play()
    assert desk.run(spot)["status"] == RUNNING
    urgent = desk.job("finetuning", width=8, tier=TIERS.index("guaranteed"))
    desk.play(2)
    assert desk.run(spot)["status"] == RUNNING and desk.run(urgent)["status"] == WAITING
    assert desk.account("preempted") == desk.account("foreseen") == 0.0


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"workload.classes.batch.memory_gb": 142}, "workload.classes.batch.memory_gb = 142: no accelerator has more"),
        ({"workload.classes.batch.data_out_gb": 5}, "data_out_gb = 5: needs hold_back > 0"),
        ({"workload.classes.batch.models": {"x": 1.0}}, "classes.batch.models.x: unknown key"),
        (
            {"workload.models.x": {"gb": 1}, "workload.classes.batch.models": {"x": 0.4}},
            "models: probabilities must sum",
        ),
    ],
)
def test_what_cannot_be_is_refused(change, line):
    with pytest.raises(ScenarioError, match=line):
        fleet_of(2).replace(change)


def test_jobs_draw_their_models():
    """By their shares, and without a change of what else is drawn."""
    plain = Desk(1, [(1, {(0, 1)})], fleet_of(1, workload__rate_scale=1.0)).sim.jobs[0]
    models = {"a": {"gb": 1.0}, "b": {"gb": 2.0}, "c": {"gb": 3.0}}
    share = {"c": 0.75, "a": 0.25}
    drawn = fleet_of(1, workload__rate_scale=1.0, workload__models=models, workload__classes__batch__models=share)
    sim = Desk(1, [(1, {(0, 1)})], drawn).sim
    jobs = sim.jobs[0]
    batch = (jobs["class_id"] == 1) & (jobs["num_satellites"] > 0)
    found = np.bincount(jobs["model"][batch], minlength=4)
    assert found[0] == found[2] == 0 and found[3] / batch.sum() == pytest.approx(0.75, abs=0.12)
    assert (jobs["model"][(jobs["class_id"] == 0)] == 0).all()
    assert all((plain[name] == jobs[name]).all() for name in plain.dtype.names if name != "model")
    assert sim.parameters.model_gb[0].tolist() == [0.0, 1.0, 2.0, 3.0, 140.0] and WEIGHTS == 0 and INPUT == 1
