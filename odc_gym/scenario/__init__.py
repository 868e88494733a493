"""Scenario: the typed, validated and frozen description of everything that is simulated.

`Scenario.load` reads a scenario by name or from a YAML file, and `Scenario.replace` returns a changed copy. Every value
is validated, and an error names the field, its value and what is allowed:

    >>> from odc_gym.scenario import Scenario
    >>> scenario = Scenario.load("starter12").replace({"hardware.*.radiator.area_m2": 5.0})
    >>> scenario.hardware["odcsat"].radiator.area_m2
    5.0

Fields use engineering units that their names state, as in `capacity_wh`; `odc_gym.tables.fleet` converts them to SI.
"""

from odc_gym.scenario.arrivals import (
    Arrivals,
    Burst,
    ClientArrivals,
    CoxArrivals,
    Cron,
    MmppArrivals,
    Profile,
)
from odc_gym.scenario.base import Model
from odc_gym.scenario.captures import Captures, Target
from odc_gym.scenario.events import (
    BadWeather,
    LinkOutage,
    RadiationStorm,
    SatelliteEvent,
    SatelliteLoss,
    SatelliteOutage,
    ScriptedEvent,
    Surge,
    site_names,
)
from odc_gym.scenario.faults import Anomaly, Faults, Weather
from odc_gym.scenario.gangs import Gang
from odc_gym.scenario.hardware import Accelerators, Battery, Hardware, Power, Thermal
from odc_gym.scenario.network import Backbone, Ground, GroundStation, Network, OpticalLinks, ShellLinks
from odc_gym.scenario.orbit import ClusterOrbit, Orbit, SunSynchronousOrbit, TleOrbit, WalkerOrbit
from odc_gym.scenario.randomise import Draw
from odc_gym.scenario.scenario import (
    Earth,
    Scenario,
)
from odc_gym.scenario.sensing import Sensing
from odc_gym.scenario.sizes import JobSizes, RequestSizes
from odc_gym.scenario.surfaces import HotBack, Radiator, Solar
from odc_gym.scenario.surges import Surges
from odc_gym.scenario.tenants import TIERS, Tenant, Tiers
from odc_gym.scenario.workload import (
    CLASS_ORDER,
    Checkpoints,
    Chunks,
    Duration,
    JobClass,
    Progress,
    Region,
    ServiceClass,
    Slack,
    WorkClass,
    Workload,
)

__all__ = [
    "CLASS_ORDER",
    "TIERS",
    "Accelerators",
    "Anomaly",
    "Arrivals",
    "Backbone",
    "BadWeather",
    "Battery",
    "Burst",
    "Captures",
    "Checkpoints",
    "Chunks",
    "ClientArrivals",
    "ClusterOrbit",
    "CoxArrivals",
    "Cron",
    "Draw",
    "Duration",
    "Earth",
    "Faults",
    "Gang",
    "Ground",
    "GroundStation",
    "Hardware",
    "HotBack",
    "JobClass",
    "JobSizes",
    "LinkOutage",
    "MmppArrivals",
    "Model",
    "Network",
    "OpticalLinks",
    "Orbit",
    "Power",
    "Profile",
    "Progress",
    "RadiationStorm",
    "Radiator",
    "Region",
    "RequestSizes",
    "SatelliteEvent",
    "SatelliteLoss",
    "SatelliteOutage",
    "Scenario",
    "ScriptedEvent",
    "Sensing",
    "ServiceClass",
    "ShellLinks",
    "Slack",
    "Solar",
    "SunSynchronousOrbit",
    "Surge",
    "Surges",
    "Target",
    "Tenant",
    "Thermal",
    "Tiers",
    "TleOrbit",
    "WalkerOrbit",
    "Weather",
    "WorkClass",
    "Workload",
    "site_names",
]
