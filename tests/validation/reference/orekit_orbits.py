"""Orbits, ground track and light by Orekit: the tables orekit_*.csv beside this file.

Needs a JDK, and from the package index: orekit-jpype, astropy-iers-data (Earth orientation, leap seconds) and
satkit-data (DE440, the gravity field EGM96). The Earth is the WGS84 ellipsoid. Run it in a virtual environment of its
own: python tests/validation/reference/orekit_orbits.py
"""

import math
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import orekit_jpype

orekit_jpype.initVM()

from java.io import File  # noqa: E402
from java.util import ArrayList  # noqa: E402
from org.hipparchus.geometry.euclidean.threed import Vector3D  # noqa: E402
from org.hipparchus.ode.nonstiff import DormandPrince853Integrator  # noqa: E402
from org.orekit.attitudes import FrameAlignedProvider  # noqa: E402
from org.orekit.bodies import CelestialBodyFactory, GeodeticPoint, OneAxisEllipsoid  # noqa: E402
from org.orekit.data import DataContext, DirectoryCrawler  # noqa: E402
from org.orekit.forces.gravity import HolmesFeatherstoneAttractionModel  # noqa: E402
from org.orekit.forces.gravity.potential import GravityFieldFactory  # noqa: E402
from org.orekit.forces.radiation import IsotropicRadiationSingleCoefficient, SolarRadiationPressure  # noqa: E402
from org.orekit.frames import FramesFactory, TopocentricFrame  # noqa: E402
from org.orekit.orbits import CartesianOrbit, CircularOrbit, EquinoctialOrbit, OrbitType, PositionAngleType  # noqa: E402
from org.orekit.propagation import SpacecraftState  # noqa: E402
from org.orekit.propagation.analytical.tle import TLE, TLEPropagator  # noqa: E402
from org.orekit.propagation.numerical import NumericalPropagator  # noqa: E402
from org.orekit.propagation.semianalytical.dsst import DSSTPropagator  # noqa: E402
from org.orekit.propagation.semianalytical.dsst.forces import DSSTTesseral, DSSTZonal  # noqa: E402
from org.orekit.time import AbsoluteDate, TimeScalesFactory  # noqa: E402
from org.orekit.utils import Constants, IERSConventions  # noqa: E402

HERE = Path(__file__).parent
RADIUS_M, DAY_S = 6378137.0, 86400
SITE = (-33.15, -70.67, 720.0)  # latitude and longitude [deg], altitude [m]
ORBITS = [  # start, altitude [km], inclination, node and argument of latitude at the start [deg]
    (datetime(2024, 6, 21, tzinfo=UTC), 400, 51.6, 10.0, 0.0),
    (datetime(2025, 3, 1, tzinfo=UTC), 500, 28.5, 200.0, 75.0),
    (datetime(2026, 12, 21, tzinfo=UTC), 560, 97.6, 145.0, 30.0),
    (datetime(2028, 9, 23, 7, 30, tzinfo=UTC), 600, 5.0, 60.0, 250.0),
    (datetime(2029, 6, 21, 12, tzinfo=UTC), 780, 86.4, 300.0, 180.0),
    (datetime(2031, 1, 4, tzinfo=UTC), 1200, 87.9, 88.0, 10.0),
    (datetime(2033, 12, 21, tzinfo=UTC), 1400, 74.0, 15.0, 120.0),
    (datetime(2035, 6, 21, tzinfo=UTC), 2000, 66.0, 250.0, 310.0),
]
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]


def package_data(package, *parts):
    return Path(find_spec(package).submodule_search_locations[0], "data", *parts)


def give_data(folder):
    """Hand Orekit the files by the names that it looks for."""
    links = {
        "finals2000A.all": package_data("astropy_iers_data", "finals2000A.all"),
        "EGM96.gfc": package_data("satkit_data", "EGM96.gfc"),
        "lnxp1550p2650.440": package_data("satkit_data", "linux_p1550p2650.440"),
    }
    for name, path in links.items():
        (folder / name).symlink_to(path)
    lines = []
    for row in package_data("astropy_iers_data", "Leap_Second.dat").read_text().splitlines():
        if row and not row.startswith("#"):
            mjd, day, month, year, seconds = row.split()
            lines.append(
                f" {year} {MONTHS[int(month) - 1]} {int(day):2d} =JD {float(mjd) + 2400000.5:9.1f}"
                f"  TAI-UTC=  {float(seconds):10.7f} S + (MJD - 41317.) X 0.0      S"
            )
    (folder / "tai-utc.dat").write_text("\n".join(lines) + "\n")
    DataContext.getDefault().getDataProvidersManager().addProvider(DirectoryCrawler(File(str(folder))))


class OrekitModels:
    """Frames, the Sun and the shadow."""

    def __init__(self):
        self.utc = TimeScalesFactory.getUTC()
        self.gcrf = FramesFactory.getGCRF()
        self.of_date = FramesFactory.getTOD(IERSConventions.IERS_2010, False)
        self.itrf = FramesFactory.getITRF(IERSConventions.IERS_2010, False)
        self.earth = OneAxisEllipsoid(RADIUS_M, 1 / 298.257223563, self.itrf)
        self.sun = CelestialBodyFactory.getSun()
        self.pressure = SolarRadiationPressure(self.sun, self.earth, IsotropicRadiationSingleCoefficient(1.0, 1.0))
        place = GeodeticPoint(math.radians(SITE[0]), math.radians(SITE[1]), SITE[2])
        self.site = TopocentricFrame(self.earth, place, "site")
        self.field = GravityFieldFactory.getNormalizedProvider(20, 20)
        self.unnormalized = GravityFieldFactory.getUnnormalizedProvider(20, 20)

    def date(self, when):
        return AbsoluteDate(when.year, when.month, when.day, when.hour, when.minute, float(when.second), self.utc)

    def light(self, state):
        return self.pressure.getLightingRatio(state)

    def dark_minutes(self, flight, date):
        """Return the minutes without light in the day from the date, from the light every 10 s."""
        light = [self.light(flight.propagate(date.shiftedBy(10.0 * k + 5))) for k in range(DAY_S // 10)]
        return round(1440 * (1 - sum(light) / len(light)), 3)

    def flight(self, start, altitude_km, inclination_deg, node_deg, argument_deg):
        """Return a numerical orbit in EGM96 to degree and order 20 from mean elements, made osculating by DSST theory.

        Zonal and tesseral short periods are added: without those of the tesserals the start's semi-major axis is some
        100 m off its mean, which is 15 km a day.
        """
        date = self.date(start)
        axes = self.of_date.getFrozenFrame(self.gcrf, date, "true equator at the start")
        angles = map(math.radians, (inclination_deg, node_deg, argument_deg))
        a = RADIUS_M + 1000.0 * altitude_km
        mean = CircularOrbit(a, 0.0, 0.0, *angles, PositionAngleType.MEAN, axes, date, self.field.getMu())
        zonal = DSSTZonal(self.itrf, self.unnormalized)
        tesseral = DSSTTesseral(self.itrf, Constants.WGS84_EARTH_ANGULAR_VELOCITY, self.unnormalized)
        forces = ArrayList()
        forces.add(zonal)
        forces.add(tesseral)
        state = SpacecraftState(EquinoctialOrbit(mean))
        state = DSSTPropagator.computeOsculatingState(state, FrameAlignedProvider(axes), forces)
        orbit = CartesianOrbit(state.getPVCoordinates(self.gcrf), self.gcrf, date, self.field.getMu())
        flight = NumericalPropagator(DormandPrince853Integrator(0.01, 300.0, 1e-3, 1e-10))
        flight.setOrbitType(OrbitType.CARTESIAN)
        flight.addForceModel(HolmesFeatherstoneAttractionModel(self.itrf, self.field))
        flight.setInitialState(SpacecraftState(orbit))
        generator = flight.getEphemerisGenerator()
        flight.propagate(date.shiftedBy(7.0 * DAY_S + 60))
        return date, generator.getGeneratedEphemeris()


def write(name, inputs, columns, rows):
    """Write a table with its origin in the first lines."""
    tool = f"Orekit (orekit-jpype {version('orekit-jpype')})"
    head = f"# made with {tool} by orekit_orbits.py\n# inputs: {inputs}\n{columns}\n"
    (HERE / f"orekit_{name}.csv").write_text(head + "".join(",".join(map(str, row)) + "\n" for row in rows))


def write_flights(models):
    """Write positions every 247 min of a week, and darkness of the first day from the light every 10 s."""
    positions, days = [], []
    for orbit in ORBITS:
        date, flight = models.flight(*orbit)
        key = (orbit[0].isoformat(), *orbit[1:])
        for minute in range(0, 7 * 1440 + 1, 247):
            p = flight.getPosition(date.shiftedBy(60.0 * minute), models.gcrf)
            positions.append((*key, minute, *(round(v, 1) for v in (p.getX(), p.getY(), p.getZ()))))
        days.append((*key, models.dark_minutes(flight, date)))
        print(days[-1], flush=True)
    inputs = (
        "EGM96 20x20 (satkit-data), mean elements in the true equator of date by DSST's short periods; DE440; WGS84"
    )
    orbit = "start,altitude_km,inclination_deg,node_deg,argument_deg"
    write("flights", inputs, f"{orbit},minute,x_m,y_m,z_m", positions)
    write("darkness", inputs, f"{orbit},dark_min", days)


def write_element_sets(models):
    """Write SGP4 positions, ground track, elevation and beta every 47 min of a day, and partial light of four hours."""
    lines = (HERE / "orekit_elements.tle").read_text().splitlines()
    track, partial, days = [], [], []
    for first, second in zip(lines[::2], lines[1::2], strict=True):
        tle = TLE(first, second)
        flight = TLEPropagator.selectExtrapolator(tle, FrameAlignedProvider(models.gcrf), 1000.0)
        number, date = first[2:7], tle.getDate()
        for minute in range(0, 1440, 47):
            at = date.shiftedBy(60.0 * minute)
            pv, sun = flight.getPVCoordinates(at, models.gcrf), models.sun.getPosition(at, models.gcrf)
            p, normal = pv.getPosition(), pv.getMomentum()
            point = models.earth.transform(p, models.gcrf, at)
            elevation = models.site.getTrackingCoordinates(p, models.gcrf, at).getElevation()
            angles = (point.getLatitude(), point.getLongitude(), elevation, math.pi / 2 - Vector3D.angle(normal, sun))
            metres = (p.getX(), p.getY(), p.getZ(), point.getAltitude())
            sun_au = round(sun.getNorm() / 149597870700.0, 8)
            degrees = (round(math.degrees(v), 6) for v in angles)
            track.append((number, minute, *(round(v, 2) for v in metres), *degrees, sun_au))
        kept = 0
        for second_of_flight in range(4 * 3600):
            light = models.light(flight.propagate(date.shiftedBy(float(second_of_flight))))
            if 0 < light < 1:
                kept += 1
                if kept < 60 or kept % 10 == 0:
                    partial.append((number, second_of_flight, round(light, 5)))
        days.append((number, models.dark_minutes(flight, date)))
        print(days[-1], kept, flush=True)
    inputs = "orekit_elements.tle; DE440 (satkit-data); Earth orientation of astropy-iers-data; WGS84"
    columns = "number,minute,x_m,y_m,z_m,altitude_m,latitude_deg,longitude_deg,elevation_deg,beta_deg,sun_au"
    write("track", f"{inputs}; site {SITE}", columns, track)
    write("light", inputs, "number,second,light", partial)
    write("set_darkness", inputs, "number,dark_min", days)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        give_data(Path(folder))
        models = OrekitModels()
        write_element_sets(models)
        write_flights(models)
