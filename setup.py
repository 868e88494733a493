"""Build of the wheel: it contains the compiled core. Editable installs and source archives contain none."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.errors import CompileError

sys.path.insert(0, str(Path(__file__).parent))  # a build has no other way to the package


class BuildWithLibraries(build_py):
    """Copy the package, then build the libraries of its kernels into the copy."""

    def run(self) -> None:
        """Build the package."""
        super().run()
        if self.editable_mode:
            return
        from odc_gym.compilation.prebuilding import prebuild
        from odc_gym.errors import OdcGymError

        try:
            prebuild(Path(self.build_lib) / "odc_gym" / "compilation" / "prebuilt")
        except OdcGymError as error:
            raise CompileError(str(error)) from error


class PlatformWheel(bdist_wheel):
    """Wheel for one platform and all versions of Python 3: its libraries know nothing of Python."""

    def get_tag(self) -> tuple[str, str, str]:
        """Return the tags of Python, of its binary interface and of the platform."""
        from odc_gym.compilation.prebuilding import platform_tag

        return "py3", "none", platform_tag() or super().get_tag()[2]


class CompiledPackage(Distribution):
    """Package that contains machine code, although no extension module of Python."""

    def has_ext_modules(self) -> bool:
        """Return True, so that the wheel is one of a platform."""
        return True


setup(cmdclass={"build_py": BuildWithLibraries, "bdist_wheel": PlatformWheel}, distclass=CompiledPackage)
