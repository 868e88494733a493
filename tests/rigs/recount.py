"""Recount of score and KPIs from a recording alone, written without the code that counts them in the simulator."""

import numpy as np

HOUR_S = 3600.0


def recount(recording):
    """Return score and KPIs by name, from the arrays of a recording and the numbers of its header."""
    header = recording.header
    first, last = (dict(zip(header["state_fields"], block, strict=True)) for block in recording["exact/satellite"])
    account = {name: recording[f"account/{name}"][-1] for name in header["ledger_fields"]}
    design = {name.split("/")[1]: recording[name] for name in recording.arrays if name.startswith("design/")}
    kinds = [header["event_kinds"][k] for k in recording["event/kind"]]
    jobs = job_of(recording)
    return (
        {"score": score(header["weights"], first, last, design, account["paid"].sum())}
        | satellites(last, design, header)
        | classes(header, account)
        | events(kinds)
        | waits(jobs, header)
    )


def score(weights, first, last, design, paid):
    """Return the score: value minus violations and wear, plus the change of the stored energy's value."""
    n = len(last["charge_frac"])
    size = design["accelerators"] * design["speed"]
    price = np.array(weights["stored_per_j"][:n]) * design["capacity_j"]

    def stored(state):
        return (price * (state["charge_frac"] - weights["stored_curvature"] * state["charge_frac"] ** 2)).sum()

    violations = (
        weights["thermal"] * (size * last["thermal_h"]).sum()
        + weights["unserved"] * (size * last["unserved_h"]).sum()
        + weights["low_charge"] * (size * last["low_charge_h"]).sum()
        + weights["wear_per_j"] * (design["capacity_j"] * last["fatigue"]).sum()
    )
    return weights["points"] * (paid - violations + stored(last) - stored(first))


def satellites(last, design, header):
    n, hours = len(last["charge_frac"]), header["decisions"] * header["decision_period_s"] / HOUR_S
    return {
        "curtailed_solar_frac": 1 - last["used_j"].sum() / last["available_j"].sum(),
        "charge_least_frac": last["charge_least"].min(),
        "equivalent_cycles": (last["discharged_j"] / design["capacity_j"]).mean(),
        "fatigue": last["fatigue"].mean(),
        "junction_most_c": last["junction_most"].max() - 273.15,
        "degree_h": last["hot_kh"].sum(),
        "shed_h": last["shed_s"].sum() / HOUR_S,
        "available_frac": 1 - last["off_s"].sum() / HOUR_S / (n * hours),
        "outage_h": last["out_s"].sum() / HOUR_S,
        "governed_h": last["governed_s"].sum() / HOUR_S,
        "unserved_frac": last["unserved_j"].sum() / last["bus_j"].sum(),
        "failed_accelerators": last["failures"].sum(),
        "clock_switches": last["switches"].sum(),
    }


def classes(header, account):
    figures = {
        "value": account["paid"].sum(),
        "work_accelerator_h": account["credited_s"].sum() / HOUR_S,
        "lost_accelerator_h": account["lost_s"].sum() / HOUR_S,
        "link_gb": sum(account[f"{item}_gb"].sum() for item in ("weights", "input", "state", "result")),
    }
    for c, each in enumerate(header["classes"]):
        name = each["name"]
        figures[f"value_{name}"] = account["paid"][c]
        figures[f"work_{name}_accelerator_h"] = account["credited_s"][c] / HOUR_S
        if each["service"]:
            figures[f"tokens_{name}"] = account["served"][c]
            figures[f"slo_{name}"] = account["slo_met"][c] / max(account["arrived"][c], 1e-9)
    return figures


def events(kinds):
    """Return the KPIs that count events. Departures of gangs are logged once for each satellite."""
    count = {kind: float(kinds.count(kind)) for kind in set(kinds)}
    names = {"moves": "moved", "upsets": "upset", "sheds": "shed", "trips": "tripped", "resets": "reset"}
    return {kpi: count.get(kind, 0.0) for kpi, kind in names.items()}


def job_of(recording):
    """Return the columns of jobs, without replicas and without further rows of gangs."""
    service = np.array([each["service"] for each in recording.header["classes"]])
    now = recording["time_s"][-1]
    columns = {name.split("/")[1]: recording[name] for name in recording.arrays if name.startswith("job/")}
    chosen = ~service[columns["class_id"]] & (columns["num_satellites"] > 0) & (columns["arrival_s"] <= now)
    return {name: column[chosen] for name, column in columns.items()}


def waits(jobs, header):
    now = header["decisions"] * header["decision_period_s"]
    refused = jobs["status"] == header["status"].index("refused")
    came = (jobs["arrival_s"] >= 0) & (jobs["arrival_s"] < now) & ~refused
    until = np.minimum(np.minimum(jobs["started_s"], jobs["finished_s"]), now)
    wait = (until - jobs["arrival_s"])[came] / HOUR_S
    due = (jobs["deadline_s"] > 0) & (jobs["deadline_s"] <= now)
    met = (jobs["status"] == header["status"].index("done")) & (jobs["finished_s"] <= jobs["deadline_s"])
    return {
        "wait_p50_h": np.quantile(wait, 0.5),
        "wait_p95_h": np.quantile(wait, 0.95),
        "deadline_miss_frac": (~met[due]).mean() if due.any() else 0.0,
    }
