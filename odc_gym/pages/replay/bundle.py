"""Bundle of the page's scripts: the hash of its sources in its first line, and how it is made again.

`make scripts` needs Node.js. Users and tests do not: the bundle is committed, and its first line tells whether it fits.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

from odc_gym.errors import OdcGymError

FOLDER = Path(__file__).parent
SOURCES = FOLDER / "scripts"
BUNDLE = FOLDER / "replay.bundle.js"
HASHED = ("*.js", "package.json", "package-lock.json")
"""Files that the bundle is made of; the lock file holds hashes of the libraries."""
OPTIONS = ("--bundle", "--minify", "--format=iife", "--target=es2022", "--loader:.json=json", "--legal-comments=none")
FIRST_LINE = re.compile(r"^/\* odc-gym replay [0-9a-f]{64}\b")


def source_hash() -> str:
    """Return the SHA-256 of the sources of the bundle, names and text."""
    found = hashlib.sha256()
    for path in sorted(path for pattern in HASHED for path in SOURCES.glob(pattern)):
        found.update(f"{path.name}\0{path.read_text(encoding='utf-8')}\0".encode())
    return found.hexdigest()


def bundled_hash() -> str:
    """Return the hash of the sources that the committed bundle was made of, or "" without a bundle."""
    text = BUNDLE.read_text(encoding="utf-8") if BUNDLE.is_file() else ""
    return text[len("/* odc-gym replay ") :][:64] if FIRST_LINE.match(text) else ""


def make_bundle() -> int:
    """Make the bundle with esbuild, which `npm ci` installs at the version of the lock file; return its size.

    Raises:
        OdcGymError: npm is missing, or fails.
    """
    try:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=SOURCES, check=True)
        command = ["npx", "--no-install", "esbuild", "main.js", *OPTIONS]
        made = subprocess.run(command, cwd=SOURCES, check=True, stdout=subprocess.PIPE).stdout.decode()
    except FileNotFoundError:
        raise OdcGymError("npm: not found; bundling the scripts needs Node.js") from None
    except subprocess.CalledProcessError as error:
        raise OdcGymError(f"{' '.join(error.cmd)}: exit code {error.returncode}") from None
    if "</script" in made.lower():
        raise OdcGymError("the bundle contains </script, which would end its element")
    licences = "with d3-geo, d3-array, internmap, topojson-client (ISC) and land-110m of world-atlas (ISC)"
    BUNDLE.write_text(f"/* odc-gym replay {source_hash()}, {licences}; texts in licences/ */\n{made}", encoding="utf-8")
    return BUNDLE.stat().st_size
