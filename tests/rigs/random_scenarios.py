"""Valid scenarios with random fleets, orbits and work; a number always gives the same scenario."""

from __future__ import annotations

import numpy as np

from odc_gym.scenario import JobClass, Scenario
from odc_gym.workload import offered_rate

SHORTEST_H = 6.0


def random_scenario(number: int) -> Scenario:
    """Return a scenario of one to three shells of satellites of 0.5 to 100 kW, with work that keeps them busy."""
    rng = np.random.default_rng([4, number])
    base = Scenario.load("starter12")
    kinds = {f"kind-{i}": _hardware(rng, base) for i in range(rng.integers(1, 4))}
    shells = [{"hardware": name, "orbit": _orbit(rng)} for name in kinds]
    fleet = sum(s["orbit"]["total"] * kinds[s["hardware"]]["accelerators"]["count"] * 1.0 for s in shells)
    widest = max(kind["accelerators"]["count"] for kind in kinds.values())
    dump = base.model_dump() | {
        "name": f"random-{number}",
        "description": "a random fleet",
        "start": {"year": int(rng.integers(2024, 2036))},
        "episode": {"hours": SHORTEST_H, "physics_s": float(rng.choice([30.0, 60.0])), "decision_period_s": 300.0},
        "shells": shells,
        "hardware": kinds,
        "earth": {"infrared_w_m2": rng.uniform(200, 270), "albedo": rng.uniform(0.1, 0.5), "solar_w_m2": 1361.0},
    }
    dump["workload"]["classes"] = _classes(rng, base, fleet, widest)
    dump |= _hazards(rng, base, sum(s["orbit"]["total"] for s in shells))
    _data(np.random.default_rng([5, number]), dump)
    return Scenario.model_validate(dump)


def linked_scenario(number: int) -> Scenario:
    """Return a scenario of a cluster with failing inter-satellite links, ground contacts or a slow backbone.

    It has gangs and single jobs, and decisions of one physics step. No job is due before the end of the episode, so
    that the value paid is a sum over the work done.
    """
    rng = np.random.default_rng([6, number])
    base = Scenario.load("starter12")
    hardware, satellites = _hardware(rng, base), int(rng.integers(4, 7))
    hardware["storage_gb"] = rng.uniform(100, 250)
    count = hardware["accelerators"]["count"]
    orbit = {"pattern": "cluster", "altitude_km": rng.uniform(400, 1600), "local_time_h": rng.uniform(0, 24)}
    orbit["total"] = satellites
    dump = base.model_dump() | {
        "name": f"linked-{number}",
        "start": {"year": 2027},
        "episode": {"hours": SHORTEST_H, "physics_s": 60.0, "decision_period_s": 60.0},
        "shells": [{"hardware": "kind", "orbit": orbit}],
        "hardware": {"kind": hardware},
    }
    dump["workload"]["classes"] = _linked_classes(rng, base, satellites, count)
    dump["workload"]["models"] = {name: {"gb": rng.uniform(5, 100)} for name in "abc"}
    dump["workload"]["tenants"] = {"press": {"tier": "guaranteed"}, "night": {"tier": "spot"}}
    dump["network"] = {
        "links": {"topology": "mesh", "rate_gbps": 10.0 ** rng.uniform(0.5, 2.0), "terminals": int(rng.integers(2, 5))},
        "backbone": {"rate_gbps": 10.0 ** rng.uniform(0.0, 1.5), "latency_s": 0.05} if number % 2 else None,
        "ground": {"min_elevation_deg": 5.0, "rate_gbps": 50.0},
    }
    dump["faults"] |= {
        "upsets_per_chip_year": 10.0 ** rng.uniform(2, 4),
        "hard_failures_per_chip_year": rng.uniform(0, 50),
        "outages": {"per_satellite_year": 1000.0, "mean_hours": 0.2},
        "links": {"outages_per_link_year": 3000.0, "mean_minutes": 10.0},
    }
    return Scenario.model_validate(dump)


def _linked_classes(rng: np.random.Generator, base: Scenario, satellites: int, count: int) -> dict:
    """Return classes of gangs, finetuning and batch, each a share of the fleet; all but gangs send results."""
    slack = {"slack": {"low": 50, "high": 90, "of": "hour"}, "memory_gb": 0.0}
    models = {"models": {"a": 0.5, "b": 0.3, "c": 0.2}, "data_in_gb": rng.uniform(1, 20)}
    found = {}
    for name, share in (("pretraining", 0.4), ("finetuning", 0.4), ("batch", 0.4)):
        own = base.workload.classes["batch" if name == "batch" else "finetuning"].model_dump() | slack | models
        own |= {"width": {1: 0.5, count: 0.5} if count > 1 else {1: 1.0}}
        own |= {"duration_h": {"median": 0.2, "sigma": 0.8, "cut": 1.0}}
        if name == "pretraining":
            gang = {"satellites": {2: 0.6, 3: 0.4}, "hops": 2, "lasting_min": 10.0}
            gang |= {"sync_gb": rng.uniform(0, 40), "iteration_s": 10.0}
            own |= {"gang": gang, "hold_back": 0.3}
        else:
            own |= {"data_out_gb": rng.uniform(1, 20), "hold_back": rng.uniform(0.2, 1.0)}
        own |= {"jobs_per_h": 1.0}
        found[name] = own
        offered = offered_rate(JobClass.model_validate(own))
        own["jobs_per_h"] = share * satellites * count / offered
    return found


def _data(rng: np.random.Generator, dump: dict) -> None:
    """Add results to send, models of which a satellite can only store some, and a backbone of random rate."""
    dump["workload"]["models"] = {name: {"gb": rng.uniform(5, 100)} for name in "abc"}
    for kind in dump["hardware"].values():
        kind["storage_gb"] = rng.uniform(50, 250)
    for own in dump["workload"]["classes"].values():
        if own["kind"] == "job":
            own |= {"data_out_gb": rng.uniform(1, 50), "hold_back": rng.uniform(0.1, 1.0)}
            own["models"] = {"a": 0.5, "b": 0.3, "c": 0.2}
    dump["network"]["backbone"]["rate_gbps"] = 10.0 ** rng.uniform(0.0, 2.0)


def _hazards(rng: np.random.Generator, base: Scenario, satellites: int) -> dict:
    """Return faults and, in two of three fleets, frequent outages, losses, safe mode and scripted events."""
    faults = base.faults.model_dump()
    if rng.random() < 1 / 3:
        return {"faults": faults}
    faults |= {
        "upsets_per_chip_year": 10.0 ** rng.uniform(0, 3),
        "outages": {"per_satellite_year": 10.0 ** rng.uniform(1, 3), "mean_hours": rng.uniform(0.1, 3)},
        "loss": {"per_satellite_year": rng.uniform(0, 200)},
        "links": {"outages_per_link_year": 10.0 ** rng.uniform(1, 4), "mean_minutes": rng.uniform(1, 60)},
        "safe_mode": {"sheds": int(rng.integers(0, 5)), "within_h": rng.uniform(0.5, 6), "hours": rng.uniform(0.2, 2)},
    }
    struck = [int(s) for s in rng.choice(satellites, min(2, satellites), replace=False)]
    events = [
        {"at": rng.uniform(0, 5), "what": "satellite-outage", "satellites": struck, "hours": rng.uniform(0.1, 2)},
        {"at": rng.uniform(0, 5), "what": "satellite-loss", "satellites": struck[:1]},
        {"at": rng.uniform(0, 5), "what": "surge", "factor": rng.uniform(0, 4), "hours": rng.uniform(0.1, 3)},
        {"at": rng.uniform(0, 5), "what": "radiation-storm", "factor": rng.uniform(0, 30), "hours": rng.uniform(1, 4)},
    ]
    return {"faults": faults, "events": events}


def _hardware(rng: np.random.Generator, base: Scenario) -> dict:
    """Return hardware of random size; light, heat rejection or storage may be too small."""
    kind = base.hardware["odcsat"].model_dump()
    count = int(rng.choice([1, 2, 4, 8, 24]))
    peak = count * 10.0 ** rng.uniform(2.7, 3.6)
    idle, host = rng.uniform(0.05, 0.2) * peak, rng.uniform(0.02, 0.1) * peak
    size = peak / 7000.0
    radiator = str(rng.choice(["knife_edge", "knife_edge", "anti_sun", "nadir", "zenith"]))
    tracking = str(rng.choice(["two_axis", "two_axis", "one_axis", "body_fixed"]))
    faces = 2 if radiator == "knife_edge" else 1
    changes = {
        "solar": {
            "area_m2": peak / rng.uniform(120, 220) * (1.0 if tracking == "two_axis" else 1.6),
            "w_per_m2": rng.uniform(200, 340),
            "eol": rng.uniform(0.8, 1.0),
            "tracking": tracking,
            "normal": str(rng.choice(["zenith", "along_track", "cross_track"])) if tracking == "body_fixed" else None,
            "pointing_error_deg": rng.uniform(0, 5),
        },
        "power": {
            "pcdu": rng.uniform(0.9, 0.99),
            "bus_w": (bus := rng.uniform(0.05, 0.2) * peak),
            "safe_w": 0.6 * bus,
            "terminal_w": rng.uniform(0.0, 0.02) * peak,
        },
        "battery": {
            # body-fixed arrays produce power in only a part of the orbit
            "capacity_wh": rng.uniform(0.5, 2.5) * peak * (3.0 if tracking == "body_fixed" else 1.0),
            "eff_charge": rng.uniform(0.93, 1.0),
            "eff_discharge": rng.uniform(0.93, 1.0),
            "floor": rng.uniform(0.1, 0.25),
            "soft_dod": rng.uniform(0.2, 0.5),
            "taper_from": rng.uniform(0.8, 0.95),
        },
        "radiator": {
            "area_m2": rng.uniform(0.7, 1.3) * peak / 1000.0 * (3 - faces),
            "faces": faces,
            "mode": radiator,
            "eps": rng.uniform(0.8, 0.92),
            "alpha": rng.uniform(0.1, 0.3),
            "fin": rng.uniform(0.8, 0.95),
        },
        "hot_back": {"view_factor": rng.uniform(0.0, 0.1)},
        "thermal": {
            "c_kj_k": tuple(size * c for c in (rng.uniform(4, 16), rng.uniform(10, 60), rng.uniform(40, 250))),
            "dt_full_k": (rng.uniform(6, 16), rng.uniform(4, 14), rng.uniform(3, 10)),
            "leak": rng.uniform(0.03, 0.2),
            "double_k": rng.uniform(25, 40),
            "loop_on_w": 0.02 * peak,
        },
        "accelerators": {
            "count": count,
            "speed": 1.0,
            "peak_w": peak,
            "host_w": host,
            "idle_each_w": idle / count,
            "gated_each_w": 0.1 * idle / count,
            "standby_w": 0.3 * host,
            "x_min": rng.uniform(0.2, 0.4),
        },
    }
    blocks = {block: values | changes[block] for block, values in kind.items() if block in changes}
    return kind | blocks


def _orbit(rng: np.random.Generator) -> dict:
    """Return an orbit of a few satellites, in any pattern but two-line elements."""
    planes = int(rng.integers(1, 4))
    pattern = str(rng.choice(["delta", "star", "sun_synchronous", "cluster"]))
    orbit = {"pattern": pattern, "altitude_km": rng.uniform(400, 1600), "total": planes * int(rng.integers(1, 4))}
    if pattern in ("delta", "star"):
        inclination = {"inclination_deg": rng.uniform(0, 100), "raan_deg": rng.uniform(0, 360)}
        return orbit | inclination | {"planes": planes, "phasing": int(rng.integers(planes))}
    if pattern == "cluster":
        return orbit | {"local_time_h": rng.uniform(0, 24)}
    return orbit | {"local_time_h": tuple(rng.uniform(0, 24, planes)), "planes": planes}


def _classes(rng: np.random.Generator, base: Scenario, fleet: float, widest: int) -> dict:
    """Return some of the three classes, which together offer work for 0.5 to 1.2 of the fleet's accelerators."""
    chosen = [name for name in base.class_names if rng.random() < 0.7] or ["batch"]
    shares = rng.dirichlet(np.ones(len(chosen))) * rng.uniform(0.5, 1.2) * fleet
    found = {}
    for name, share in zip(chosen, shares, strict=True):
        own = base.workload.classes[name]
        changes: dict = {"utilisation": rng.uniform(0.5, 1.0), "clock_sensitivity": rng.uniform(0.3, 1.0)}
        if name == "interactive":
            changes |= {"replica_accelerators": min(widest, 2), "weights_gb": 70.0}
            rate, key = offered_rate(own), "output_tokens_per_min"
        else:
            width = {1: 0.7, widest: 0.3} if widest > 1 else {1: 1.0}
            rate, key = offered_rate(own.model_copy(update={"width": width})), "jobs_per_h"
            changes["width"] = width
        found[name] = own.model_dump() | changes | {key: getattr(own, key) * share / rate}
    return found
