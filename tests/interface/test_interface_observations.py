"""What agents see: sizes, bounds, order, and SI values that are those of the state."""

import numpy as np
import pytest

from odc_gym import Scenario
from odc_gym.interface import observations
from odc_gym.interface.observations import FLEET, FLEET_CLASS, SATELLITE, SATELLITE_CLASS
from odc_gym.simulator.simulator import Simulator

S, C = 12, 3


def row(sim, name, b):
    return getattr(sim.sat, name)[b, :S]


@pytest.fixture(scope="module")
def played(starter12):
    """Three episodes after seven hours of random actions, with work of all kinds running and waiting."""
    sim = Simulator(starter12, 3)
    sim.reset([20_020, 20_021, 20_022])
    rng = np.random.default_rng(9)
    for k in range(84):
        if k % 6 == 0:
            actions = rng.uniform(-1.0, 1.0, (3, sim.action_size))
            sim.view.layout.urgency(actions)[:] = 0.0
        sim.step(actions)
    return sim, actions


def test_sizes(played):
    """S (26 + 8 C) + 18 + 13 C = 657 and S (C + 1) + 2 C = 54 for starter12."""
    sim, _ = played
    assert (len(SATELLITE), len(SATELLITE_CLASS), len(FLEET), len(FLEET_CLASS)) == (26, 8, 18, 13)
    assert observations.size(S, C) == sim.observation.shape[1] == 657
    assert sim.action_size == 54
    assert observations.size(24, 2) == 24 * (26 + 16) + 18 + 26


@pytest.mark.parametrize("level", [-1.0, 0.0, 1.0, None])
def test_encoded_values_stay_in_bounds(starter12, level):
    """Catches a scale that some corner of behaviour leaves: full clock, idle, random, all at their extremes."""
    sim = Simulator(starter12, 2, episode_hours=12)
    sim.reset([20_023, 3])
    rng = np.random.default_rng(1)
    for _ in range(sim.decisions):
        actions = rng.choice([-1.0, 1.0], (2, 54)) if level is None else np.full((2, 54), level)
        sim.step(actions)
        assert sim.observation.dtype == np.float32
        assert np.isfinite(sim.observation).all() and np.abs(sim.observation).max() <= 1.0
    assert sim.observation.std() > 0.1


def reference(sim, name, b):
    """What a feature is relative to, worked from the scenario, (S,) or a number."""
    r = sim.fleet.references
    return {"": 1.0, "fleet_satellites": 12.0, "fleet_accelerators": 96.0}.get(name, getattr(r, name, None))


def encoded(sim, feature, value):
    """The encoding that the table promises, in plain NumPy."""
    offset = reference(sim, feature.offset, 0) if isinstance(feature.offset, str) else feature.offset
    y = (value - offset) / (feature.scale * reference(sim, feature.reference, 0))
    return y / (1.0 + np.abs(y)) if feature.squash else np.clip(y, -1.0, 1.0)


def test_flat_order_is_that_of_the_tables(played):
    """Satellite by satellite its features, then class by class; then the fleet's: catches documents that drift."""
    sim, _ = played
    seen = sim.view.observation
    for b in range(3):
        flat = []
        for s in range(S):
            for f in SATELLITE:
                flat.append(np.broadcast_to(encoded(sim, f, seen[f.name][b]), S)[s])
            for c in range(C):
                for f in SATELLITE_CLASS:
                    flat.append(np.broadcast_to(encoded(sim, f, seen[f.name][b, c]), S)[s])
        for f in FLEET:
            flat.append(encoded(sim, f, seen[f.name][b]))
        for c in range(C):
            for f in FLEET_CLASS:
                flat.append(encoded(sim, f, seen[f.name][b, c]))
        assert sim.observation[b] == pytest.approx(np.array(flat), abs=1e-6)


def test_names_are_unique_and_shapes_are_those_of_the_axes(played):
    sim, _ = played
    seen = sim.view.observation
    names = [f.name for table in (SATELLITE, SATELLITE_CLASS, FLEET, FLEET_CLASS) for f in table]
    assert len(set(names)) == len(names) == len(seen)
    for table, shape in ((SATELLITE, (3, S)), (SATELLITE_CLASS, (3, C, S)), (FLEET, (3,)), (FLEET_CLASS, (3, C))):
        for f in table:
            assert seen[f.name].shape == shape, f.name


def test_satellite_values_are_those_of_the_state(played):
    """Catches rows that are measured from another field: each one worked here from the state."""
    sim, actions = played
    seen, b = sim.view.observation, 1
    for name in ("charge_frac", "junction_k", "radiator_k", "power_w", "shed", "tripped", "free"):
        assert seen[name][b] == pytest.approx(row(sim, name, b)), name
    assert seen["usable_energy_j"][b] == pytest.approx((row(sim, "charge_frac", b) - 0.20) * 3.6e7 * 0.97)
    assert seen["gated"][b] == pytest.approx(8.0 - row(sim, "awake", b))
    assert seen["clock_request"] == pytest.approx(sim.view.layout.clocks(actions))
    assert seen["bid"] == pytest.approx(sim.view.layout.bids(actions))
    held = sim.classes.held[b, :, :S]
    assert seen["running"][b] == pytest.approx(held)
    lowest = np.where(held > 0, sim.classes.clock[b, :, :S], row(sim, "clock_cap", b)).min(0)
    granted = np.minimum(lowest, row(sim, "clock_cap", b)) * row(sim, "duty", b)
    assert seen["clock_granted"][b] == pytest.approx(granted)
    assert (seen["clock_sustainable"] >= 0.3).all() and (seen["clock_sustainable"] <= 1.0).all()


def test_what_is_seen_of_a_relay_mesh(played):
    """Every satellite of `starter12` has one link of 12.5 GB/s to the mesh, always, and none of its own."""
    seen, b = played[0].view.observation, 2
    for name, value in {"ground_gb_s": 12.5, "ground_hops": 1.0, "own_links": 0.0, "in_service": 1.0}.items():
        assert (seen[name] == value).all(), name
    assert (seen["ground_closes_s"][b] == 7200.0).all() and (seen["safe_mode_s"] == 0.0).all()
    assert seen["terminals_busy"][b] == pytest.approx(row(played[0], "terminals", b))


def test_what_is_seen_of_own_links_and_gateways():
    """Worked from the tables of the network: catches ways that are seen where there are none."""
    sim = Simulator(Scenario.load("own-links"), 1, episode_hours=6)
    sim.reset([20_020])
    apart = 0
    for _ in range(60):
        sim.step(np.zeros((1, sim.action_size)))
        seen, links, tick = sim.view.observation, sim.tables.links, int(sim.scalars["tick"][0])
        k = links.epoch[0, min(tick, links.epoch.shape[1] - 1)]
        n = sim.satellites
        degree = [(links.next_hop[0, k, s] == np.arange(n)).sum() - 1 for s in range(n)]
        assert np.array_equal(seen["own_links"][0], degree)
        reached = links.ground_hop[0, tick] >= 0
        assert np.array_equal(seen["ground_gb_s"][0] > 0, reached)
        assert np.array_equal(seen["ground_closes_s"][0] > 0, reached)
        assert (seen["ground_gb_s"][0][reached] <= 12.0).all()  # gateways take 96 Gb/s, own links 100
        for s in np.flatnonzero(reached):
            node, hops = s, 0
            while node != n:
                node, hops = links.ground_hop[0, tick, node], hops + 1
            assert seen["ground_hops"][0, s] == hops
        apart += (~reached).sum()
    assert 0 < apart < 60 * 18


def test_light_is_that_of_the_coming_minutes(played):
    """Sunlit now, time to the next crossing and mean solar power, from the table of light by hand."""
    sim, _ = played
    seen, clock = sim.view.observation, sim.fleet.clock
    tick = int(sim.scalars["tick"][0])
    assert tick == clock.warm_up + 84 * 5
    sky = sim.tables.skies[0, tick:].astype(float)
    assert seen["sunlit_frac"][0] == pytest.approx(sky[0, 0, :S])
    power = sky[:, 0, :S] * sky[:, 1, :S] * 36 * 245 * 0.9
    for minutes in (15, 30, 60, 95):
        assert seen[f"solar_{minutes}_w"][0] == pytest.approx(power[:minutes].mean(0), rel=1e-5, abs=0.05)
    bright = sky[:, 0, :S] >= 0.5
    for s in range(S):
        change = np.flatnonzero(bright[:, s] != bright[0, s])
        ahead = min(change[0] * 60.0, sim.fleet.period_s[s]) if change.size else sim.fleet.period_s[s]
        assert seen["time_to_crossing_s"][0, s] == pytest.approx(ahead if bright[0, s] else -ahead)
    assert np.array_equal(sim.view.forecast["solar_mean_w"][:, 3], seen["solar_95_w"])
    assert (seen["eclipse_length_s"] <= 36.5 * 60).all() and (seen["eclipse_length_s"] >= 0.0).all()


def test_running_and_waiting_work_is_the_visible_estimate(played):
    """Sums over jobs, worked here: catches a sum over hidden work, or over all rows of the table."""
    sim, _ = played
    b, now = 2, 84 * 300.0
    seen, jobs, run, head = sim.view.observation, sim.jobs[2], sim.run[2], sim.scalars[2]
    left = np.maximum(jobs["estimate_s"] - run["checkpointed_s"] - run["uncheckpointed_s"], 0.1 * jobs["estimate_s"])
    job_rows = np.isfinite(jobs["work_s"])
    running, waiting = sim.mutable.lists[b, 1, : head["running"]], sim.mutable.lists[b, 0, : head["waiting"]]
    assert len(running) > 10 and len(waiting) > 3
    for c in (0, 1):
        mine = [r for r in running if jobs["class_id"][r] == c and job_rows[r]]
        work, unsaved, age, slack = np.zeros(S), np.zeros(S), np.zeros(S), np.full(S, 86400.0)
        for r in mine:
            s = run["host"][r]
            work[s] += left[r]
            unsaved[s] += run["uncheckpointed_s"][r]
            if run["uncheckpointed_s"][r] > 0:
                age[s] = max(age[s], now - run["uncheckpointed_since_s"][r])
            slack[s] = min(slack[s], jobs["deadline_s"][r] - now - left[r] / jobs["width"][r])
        assert seen["remaining_work_s"][b, c] == pytest.approx(work)
        assert seen["unsaved_work_s"][b, c] == pytest.approx(unsaved)
        assert seen["checkpoint_age_s"][b, c] == pytest.approx(age)
        assert seen["least_slack_s"][b, c] == pytest.approx(slack)
        queue = np.array([r for r in waiting if jobs["class_id"][r] == c], int)
        assert seen["waiting_work_s"][b, c] == pytest.approx(left[queue].sum())
        bins = [seen[f"waiting_{name}_s"][b, c] for name in ("urgent", "soon", "later")]
        assert sum(bins) == pytest.approx(left[queue].sum())
        slack = jobs["deadline_s"][queue] - now - left[queue] / jobs["width"][queue]
        assert bins[0] == pytest.approx(left[queue][slack < 3600].sum())
        assert bins[2] == pytest.approx(left[queue][slack >= 6 * 3600].sum())
        oldest = (now - jobs["arrival_s"][queue]).max() if queue.size else 0.0
        assert seen["oldest_wait_s"][b, c] == pytest.approx(oldest)
        assert seen["backlog_s"][b, c] == pytest.approx(work.sum() + left[queue].sum())
    tokens = sim.services.backlog[b, 2] * 0.0106
    assert seen["backlog_s"][b, 2] == pytest.approx(tokens)


def test_fleet_values(played):
    sim, _ = played
    seen = sim.view.observation
    charge = sim.sat.charge_frac[:, :S]
    assert seen["charge_mean_frac"] == pytest.approx(charge.mean(1))
    assert seen["charge_least_frac"] == pytest.approx(charge.min(1))
    junction = sim.sat.junction_k[:, :S]
    assert seen["junction_margin_k"] == pytest.approx(358.15 - junction.max(1))
    assert seen["free_mean"] == pytest.approx(sim.sat.free[:, :S].sum(1))
    assert seen["day_sine"] ** 2 + seen["day_cosine"] ** 2 == pytest.approx(1.0, abs=1e-8)
    start = sim.fleet.start_of(20_020)
    hour = start.hour + start.minute / 60 + 84 * 300 / 3600
    assert np.arctan2(seen["day_sine"][0], seen["day_cosine"][0]) % (2 * np.pi) == pytest.approx(
        (hour / 24 * 2 * np.pi) % (2 * np.pi), abs=1e-6
    )


def test_view_is_read_only(played):
    """Schedulers must not be able to write the state, the tables or the design."""
    view = played[0].view
    for group in (view.observation, view.forecast, view.design):
        for values in group.values():
            with pytest.raises(ValueError, match=r"read-only|not writ"):
                values[...] = 0.0
        with pytest.raises(TypeError):
            group["charge_frac"] = 0.0
    assert not any(np.shares_memory(v, played[0].jobs["work_s"]) for v in view.observation.values())


def test_view_follows_the_state_and_old_observations_stay(starter12):
    """The view is live, an observation that was handed out is not: catches a buffer that learners keep by reference."""
    sim = Simulator(starter12, 1, episode_hours=2)
    sim.reset([20_020])
    first, charge = sim.observation, sim.view.observation["charge_frac"]
    copy, before = first.copy(), charge.copy()
    sim.step(np.zeros((1, 54)))
    assert np.array_equal(first, copy) and not np.array_equal(sim.observation, copy)
    assert not np.array_equal(charge, before)


def test_design_numbers_of_the_view(played):
    """SI numbers by name: catches a scheduler that budgets with another satellite's battery."""
    design = played[0].view.design
    expected = {
        "capacity_j": 3.6e7, "eta_pcdu": 0.95, "bus_w": 900.0, "peak_w": 7000.0, "idle_w": 1200.0, "gated_w": 680.0,
        "array_peak_w": 36 * 245 * 0.9, "floor_frac": 0.20, "limit_k": 358.15,
    }  # fmt: skip
    for name, value in expected.items():
        assert design[name].shape == (3, S)
        assert design[name] == pytest.approx(value), name
    assert design["period_s"] == pytest.approx(5739.0, abs=2.0)


@pytest.fixture(scope="module")
def crowded(starter12):
    """Hours of an overloaded fleet with small batteries and two sizes of satellites: what was seen, and its causes."""
    fields = starter12.model_dump(exclude_unset=True, mode="json")
    odcsat = fields["hardware"]["odcsat"]
    large = {**odcsat, "battery": {**odcsat["battery"], "capacity_wh": 2000}}
    small = {**large, "accelerators": {**large["accelerators"], "count": 4}}
    orbit = {**fields["shells"][0]["orbit"], "total": 6}
    shells = [{"hardware": "large", "orbit": orbit}, {"hardware": "small", "orbit": {**orbit, "raan_deg": 60}}]
    scenario = Scenario.model_validate({**fields, "hardware": {"large": large, "small": small}, "shells": shells})
    sim = Simulator(scenario.replace({"workload.rate_scale": 1.5}), 2)
    sim.reset([20_030, 20_031])
    rng, hours = np.random.default_rng(2), []
    for decision in range(240):
        actions = rng.uniform(-0.3, 1.0, (2, sim.action_size))
        if 120 <= decision < 180:
            sim.view.layout.urgency(actions)[:] = -1.0  # no work starts, so that room and queue grow
        sim.step(actions)
        if decision % 12 == 11:
            seen = {name: values.copy() for name, values in sim.view.observation.items()}
            waiting = [sim.mutable.lists[b, 0, :k].copy() for b, k in enumerate(sim.scalars["waiting"])]
            state = sim.sat.free[:, :S].copy(), sim.sat.off[:, :S].copy(), sim.run.copy()
            hours.append(((decision + 1) * 300.0, seen, waiting, *state))
    return sim, hours


BANDS = ("eighth", "quarter", "half", "whole")


def test_waiting_work_by_width_deadline_and_age(crowded):
    """Recounted from the job table: catches widths over the wrong satellite, gangs counted whole, and stale maxima."""
    sim, hours = crowded
    met = np.zeros((3, 4))
    for now_s, seen, waiting, _, _, runs in hours:
        for b in range(2):
            jobs, run = sim.jobs[b][waiting[b]], runs[b][waiting[b]]
            done = run["checkpointed_s"] + run["uncheckpointed_s"]
            replica = jobs["class_id"] == sim.class_names.index("interactive")
            work = np.where(
                replica,
                jobs["total_accelerators"] * 3600.0,
                np.maximum(jobs["estimate_s"] - done, 0.1 * jobs["estimate_s"]),
            )
            since_s = np.where(replica, run["since_s"], jobs["arrival_s"])
            late = ~replica & (now_s + work / np.maximum(jobs["total_accelerators"], 1) > jobs["deadline_s"])
            band = np.digitize(jobs["width"] / 8.0, [0.125, 0.25, 0.5], right=True)
            for k, name in enumerate(BANDS):
                oldest = max(now_s - since_s[band == k], default=0.0)
                assert seen[f"oldest_wait_{name}_s"][b] == pytest.approx(oldest), (now_s, name)
                for c in range(C):
                    mine = (band == k) & (jobs["class_id"] == c)
                    assert seen[f"waiting_{name}_s"][b, c] == pytest.approx(work[mine].sum()), (now_s, name, c)
                    met[c, k] += mine.sum()
            for c in range(C):
                assert seen["waiting_late_s"][b, c] == pytest.approx(work[late & (jobs["class_id"] == c)].sum())
            assert sum(seen[f"waiting_{name}_s"][b] for name in BANDS) == pytest.approx(seen["waiting_work_s"][b])
            assert (seen["waiting_late_s"][b] <= seen["waiting_urgent_s"][b] + 1e-6).all()
    assert (met[0] > 0).all() and met[2, 1] > 0 and any(seen["waiting_late_s"].any() for _, seen, *_ in hours)


def test_room_by_size_counts_satellites_that_are_on(crowded):
    """Catches small satellites that count as room for wide jobs, and satellites without compute that count as free."""
    _, hours = crowded
    hidden = 0
    for _, seen, _, free, off, _ in hours:
        on = off == 0.0
        for share, name in zip((0.125, 0.25, 0.5, 1.0), BANDS, strict=True):
            assert np.array_equal(seen[f"free_{name}"], (on & (free >= 8.0 * share)).sum(1)), name
        hidden += (~on & (free > 0)).sum()
    assert hidden > 0
    for name in BANDS:
        assert len({count for _, seen, *_ in hours for count in seen[f"free_{name}"]}) > 2, name
