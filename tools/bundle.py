#!/usr/bin/env python3
"""Put gridcell and all it needs into a folder that installs it on a computer without a network.

    python3 tools/bundle.py --platform win_amd64 -o folder

Run in a copy of the repository, on a computer with a network and pip; gridcell need not be
installed. The folder has the wheels for that platform and Python, a script that installs them, the
docs and the samples.
"""

import argparse
import email
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
GLIBC = [17, *range(24, 35)]
PLATFORMS = {
    "win_amd64": ["win_amd64"],
    "linux_x86_64": [f"manylinux_2_{minor}_x86_64" for minor in GLIBC] + ["manylinux2014_x86_64"],
    "linux_aarch64": [f"manylinux_2_{minor}_aarch64" for minor in GLIBC]
    + ["manylinux2014_aarch64"],
    "macosx_arm64": ["macosx_14_0_arm64"],
    "macosx_x86_64": ["macosx_14_0_x86_64"],
}
"""Tags of wheels by the names of platforms; pip finds those of older systems of macOS by itself."""
MARKERS = {
    "win": {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
    "linux": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    "macosx": {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
}
"""By these and by the version of Python wheels say what else they need."""
EXTRAS = "print,tiles,notebook"


def system_of(platform: str) -> str:
    """Return a key of `MARKERS`."""
    return platform.partition("_")[0]


def pip(*words: str) -> None:
    """Run pip."""
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *words], check=True)


def missing(wheels: Path, platform: str, python: str, extras: str) -> Iterator[str]:
    """Yield what the wheels need on the other computer and is not among them."""
    machine = platform.partition("_")[2]
    markers = {
        **MARKERS[system_of(platform)],
        "platform_machine": {"amd64": "AMD64"}.get(machine, machine),
        "python_version": python, "python_full_version": f"{python}.0",
        "implementation_name": "cpython", "platform_python_implementation": "CPython",
    }  # fmt: skip
    metadata = {}
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as file:
            (name,) = (each for each in file.namelist() if each.endswith(".dist-info/METADATA"))
            told = email.message_from_bytes(file.read(name))
        metadata[canonicalize_name(str(told["Name"]))] = told
    seen: set[tuple[str, str]] = set()
    ahead = [("gridcell", extra) for extra in ("", *extras.split(","))]
    while ahead:
        name, extra = ahead.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for line in metadata[name].get_all("Requires-Dist", []):
            need = Requirement(line)
            if need.marker and not need.marker.evaluate({**markers, "extra": extra}):
                continue
            key = canonicalize_name(need.name)
            if key in metadata:
                ahead += [(key, each) for each in ("", *need.extras)]
            else:
                yield f"{need.name}{need.specifier}"


def bundle(folder: Path, platform: str, python: str, extras: str) -> None:
    """Fill the folder."""
    wheels = folder / "wheels"
    pip("wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(ROOT))
    (own,) = wheels.glob("gridcell-*.whl")
    tags = [word for tag in PLATFORMS[platform] for word in ("--platform", tag)]
    wanted = [f"{own}[{extras}]"]
    while wanted:
        pip(
            "download", "--quiet", "--only-binary=:all:", "--python-version", python, *tags,
            "--implementation", "cp", "--find-links", str(wheels), "--dest", str(wheels), *wanted,
        )  # fmt: skip
        # pip asks what is needed on this computer, not on the other one.
        wanted = sorted(missing(wheels, platform, python, extras))
    name, end = ("install.bat", "\r\n") if system_of(platform) == "win" else ("install.sh", "\n")
    text = (ROOT / "tools" / name).read_text("ascii")
    text = text.replace("@PYTHON@", python).replace("@EXTRAS@", extras).replace("\n", end)
    script = folder / name
    script.write_bytes(text.encode("ascii"))
    script.chmod(0o755)
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("*.py", "__*"))
    shutil.copytree(ROOT / "data" / "samples", folder / "samples")
    for name in ("README.md", "LICENSE", "CHANGELOG.md"):
        shutil.copy(ROOT / name, folder)


def main() -> None:
    """Read the command line and tell what was made."""
    parser = argparse.ArgumentParser(
        description="Put gridcell and all it needs into a folder for a closed network."
    )
    parser.add_argument(
        "--platform", choices=PLATFORMS, required=True, help="of the other computer"
    )
    parser.add_argument(
        "--python", metavar="3.12", default="3.12", help="its Python, 3.12 by default"
    )
    parser.add_argument("--extras", default=EXTRAS, help=f"parts to install, {EXTRAS} by default")
    parser.add_argument(
        "-o", "--output", metavar="DIR", type=Path, required=True, help="a new folder"
    )
    given = parser.parse_args()
    folder: Path = given.output
    if folder.exists() and any(folder.iterdir()):
        parser.error(f"{folder} is there already and holds something")
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        bundle(part, given.platform, given.python, given.extras)
    except subprocess.CalledProcessError as error:
        shutil.rmtree(part, ignore_errors=True)
        parser.exit(1, f"pip has failed (exit code {error.returncode}), nothing was written\n")
    part.replace(folder)
    files = [file for file in folder.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files) / 1e6
    count = len(list((folder / "wheels").iterdir()))
    print(f"{folder}: {count} wheels, {size:.0f} MB in {len(files)} files")


if __name__ == "__main__":
    main()
