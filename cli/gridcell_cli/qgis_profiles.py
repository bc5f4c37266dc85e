"""Profiles of QGIS, and the plugin in them."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from configparser import ConfigParser, Error
from pathlib import Path
from typing import Any, Final

import click

from gridcell.errors import InputError, WriteError
from gridcell.formats.styles.layers import styles_of
from gridcell.formats.styles.qml import qml
from gridcell.version import __version__
from gridcell.words.catalogue import LANGUAGES, section
from gridcell.words.messages import Message
from gridcell_cli.help import paragraphs, translated

PLUGIN: Final = "gridcell_qgis"
"""The plugin's name: not that of the library, which somebody may have in QGIS's own Python."""

_SOURCE: Final = Path(__file__).with_name(PLUGIN)
_SECTION: Final = "[PythonPlugins]"
_VERSIONS: Final = ("QGIS3", "QGIS4")


def profile_folders(
    profile: str | None = None,
    profiles: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> list[Path]:
    """Return the folder of a profile, in each version of QGIS that has it.

    Parameters
    ----------
    profile
        Its name; by default the one that QGIS starts with.
    profiles
        The folder of all profiles, where it is not where QGIS puts it.
    environment
        Variables by name.

    Raises
    ------
    InputError
        QGIS was never started here, or has no such profile.
    """
    places = [profiles] if profiles is not None else usual_places(environment)
    known = [place for place in places if place.is_dir()]
    if not known:
        raise InputError(Message("error.no_qgis", places=[str(place) for place in places]))
    found = [place / (profile or _first_profile(place)) for place in known]
    there = [folder for folder in found if folder.is_dir()]
    if not there:
        names = sorted(
            folder.name for place in known for folder in place.iterdir() if folder.is_dir()
        )
        told = names or Message("part.none")
        raise InputError(Message("error.no_profile", profile=found[0].name, profiles=told))
    return there


def usual_places(environment: Mapping[str, str], platform: str = sys.platform) -> list[Path]:
    """Return where QGIS keeps the profiles of a user on a system.

    Parameters
    ----------
    environment
        Variables by name.
    platform
        As `sys.platform` names it.
    """
    if own := environment.get("QGIS_CUSTOM_CONFIG_PATH"):
        return [Path(own) / "profiles"]
    home = Path(environment.get("HOME") or environment.get("USERPROFILE") or Path.home())
    if platform == "win32":
        roots = [Path(environment.get("APPDATA") or home / "AppData" / "Roaming")]
    elif platform == "darwin":
        roots = [home / "Library" / "Application Support"]
    else:
        roots = [Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")]
    return [
        root / "QGIS" / version / "profiles" for root in roots for version in _VERSIONS
    ]  # fmt: skip


def _first_profile(profiles: Path) -> str:
    """Return the name of the profile that QGIS starts with."""
    settings = ConfigParser(interpolation=None, strict=False)
    try:
        settings.read(profiles / "profiles.ini", encoding="utf-8")
    except (Error, OSError, UnicodeDecodeError):
        return "default"
    return settings.get("core", "defaultProfile", fallback="default").strip('"') or "default"


def install(profile: Path) -> Path:
    """Write the plugin into a profile, turn it on, and return its folder.

    Parameters
    ----------
    profile
        The profile's folder.

    Raises
    ------
    WriteError
        The folder cannot be written.
    """
    folder = _place(profile)
    fresh = folder.with_name(f".{PLUGIN}.new")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(_SOURCE, fresh, ignore=shutil.ignore_patterns("__pycache__"))
        for name, content in _written().items():
            (fresh / name).write_text(content, encoding="utf-8", newline="\n")
        shutil.rmtree(folder, ignore_errors=True)
        fresh.replace(folder)
        _turn(profile, on=True)
    except OSError as error:
        raise WriteError(Message("error.cannot_write", path=folder, reason=error)) from error
    return folder


def remove(profile: Path) -> Path:
    """Take the plugin out of a profile and return its folder, which is no more.

    Parameters
    ----------
    profile
        The profile's folder.

    Raises
    ------
    InputError
        The profile has no such plugin.
    WriteError
        The folder cannot be removed.
    """
    folder = _place(profile)
    if not folder.is_dir():
        raise InputError(Message("error.no_plugin", folder=folder))
    try:
        shutil.rmtree(folder)
        _turn(profile, on=False)
    except OSError as error:
        raise WriteError(Message("error.cannot_write", path=folder, reason=error)) from error
    return folder


def _place(profile: Path) -> Path:
    return profile / "python" / "plugins" / PLUGIN


def _written() -> dict[str, str]:
    """Return the files of the plugin that depend on this installation, by their names."""
    command = {"command": [sys.executable, "-m", "gridcell_cli"], "version": __version__}
    words = {
        lang: {"texts": dict(section("qgis", lang)), "help": _help(lang)} for lang in LANGUAGES
    }
    about = section("qgis", "en")
    metadata = {
        "name": "gridcell", "qgisMinimumVersion": "3.22", "qgisMaximumVersion": "4.99",
        "supportsQt6": "True", "version": __version__, "author": "The gridcell developers",
        "email": "none", "description": about["description"], "about": about["about"],
        "hasProcessingProvider": "yes", "icon": "icon.svg", "category": "Analysis",
        "tracker": "none", "repository": "none",
    }  # fmt: skip
    lines = [f"{name}={value}" for name, value in metadata.items()]
    return {
        "command.json": json.dumps(command, ensure_ascii=False, indent=1),
        "words.json": json.dumps(words, ensure_ascii=False, indent=1),
        "metadata.txt": "\n".join(["[general]", *lines, ""]),
        "findings.qml": qml(styles_of("findings", "en")[0]),
    }


def _help(lang: str) -> dict[str, dict[str, str]]:
    """Return the help of the plugin's commands and of their options."""
    from gridcell_cli.gridcell_qgis.commands import ALGORITHMS
    from gridcell_cli.main import cli

    context = click.Context(cli)
    told: dict[str, dict[str, str]] = {}
    for algorithm in ALGORITHMS:
        source = cli.get_command(context, algorithm.command)
        if source is None:
            continue
        command: Any = translated(source, lang)
        texts = {"": "\n\n".join(paragraphs(command.help))}
        for option in command.params:
            if isinstance(option, click.Option):
                texts[option.opts[-1]] = option.help or ""
        told[algorithm.command] = texts
    return told


def _turn(profile: Path, *, on: bool) -> None:
    """Turn the plugin on or off in the settings of a profile, and leave all else as it is."""
    version = profile.parent.parent.name
    path = profile / "QGIS" / f"{version if version in _VERSIONS else _VERSIONS[0]}.ini"
    if not path.exists():
        path = next(iter(sorted(path.parent.glob("QGIS*.ini"))), path)
    text = path.read_bytes().decode("utf-8") if path.exists() else ""
    end = "\r\n" if "\r\n" in text else "\n"
    lines = [line for line in text.splitlines() if not line.startswith(f"{PLUGIN}=")]
    if on:
        if _SECTION not in lines:
            lines += ["", _SECTION] if lines else [_SECTION]
        lines.insert(lines.index(_SECTION) + 1, f"{PLUGIN}=true")
    elif not path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(end.join([*lines, ""]).encode("utf-8"))
    part.replace(path)
