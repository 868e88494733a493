"""Units and physical constants, SI, each constant with its source."""

MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86400.0
YEAR_S, YEAR_H = 365.25 * DAY_S, 365.25 * 24.0  # Julian year
WH_J, KWH_J = 3600.0, 3.6e6
KM_M = 1000.0

GROUND = -1  # in tables of jobs, in place of a satellite: the ground
FOREVER = 2**31 - 1  # physics step after the end of all tables

SPEED_OF_LIGHT_M_S = 299792458.0  # definition of the metre
EARTH_MU_M3_S2 = 3.986004418e14  # gravitational parameter, WGS84 / IERS 2010 table 1.1 (TCG-compatible value rounded)
EARTH_RADIUS_M = 6378137.0  # equatorial radius, WGS84
EARTH_FLATTENING = 1.0 / 298.257223563  # WGS84
EARTH_J2 = 1.08262668e-3  # WGS84 / EGM96, as used by Vallado 4th ed. appendix D
TROPICAL_YEAR_DAYS = 365.2421897  # mean tropical year, J2000, Astronomical Almanac
SUN_RADIUS_M = 6.957e8  # nominal solar radius, IAU 2015 Resolution B3
ASTRONOMICAL_UNIT_M = 149597870700.0  # IAU 2012 Resolution B2
STEFAN_BOLTZMANN_W_M2_K4 = 5.670374419e-8  # CODATA 2018
ZERO_CELSIUS_K = 273.15  # definition of the Celsius scale
SOLAR_CONSTANT_W_M2 = 1361.0  # total solar irradiance at 1 au, Kopp and Lean 2011
