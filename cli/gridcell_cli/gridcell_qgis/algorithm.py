"""A command as an algorithm of Processing: its parameters, its run, and what it loads.

Kinds of parameters are the keys of `_PARAMETERS`; each is made of the one in `commands`.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputBoolean,
    QgsProcessingOutputFile,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterCrs,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from .commands import Algorithm, Parameter, options_of
from .loaded import load_layers
from .runner import SETTING, Done, clean_environment, find_command, run
from .sources import READ, file_of, text_file, with_layer
from .texts import has_text, help_of, language, text

LANGUAGES = ("en", "zh")
PROOF_FAILED = 4
_OPTION = re.compile(r"(?<![\w-])(?:--[a-z][a-z-]*|-o)(?![\w-])")
_SOURCES = ("polygons", "layer", "table")


class CommandAlgorithm(QgsProcessingAlgorithm):
    """One of the commands in `commands.ALGORITHMS`."""

    def __init__(self, spec: Algorithm) -> None:
        super().__init__()
        self._spec = spec

    def createInstance(self) -> CommandAlgorithm:
        """Return another one like it, as Processing asks for each run."""
        return CommandAlgorithm(self._spec)

    def name(self) -> str:
        """Return the name by which models and scripts call it: that of the command."""
        return self._spec.command

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return text(f"name_{self._spec.command}")

    def group(self) -> str:
        """Return the heading in the toolbox."""
        return text(f"group_{self._spec.group}")

    def groupId(self) -> str:
        """Return the name of the heading."""
        return self._spec.group

    def shortDescription(self) -> str:
        """Return the first sentence of the help."""
        return help_of(self._spec.command).partition("\n\n")[0]

    def shortHelpString(self) -> str:
        """Return the help of the command and of its options."""
        options = [
            f"<p><b>{_escaped(self._label(each))}</b><br>{_escaped(about)}</p>"
            for each in self._spec.parameters
            if (about := self._help(each)) and about.rstrip(".。") != self._label(each)
        ]
        paragraphs = map(self._without_options, help_of(self._spec.command).split("\n\n"))
        told = [f"<p>{_escaped(each)}</p>" for each in paragraphs if each]
        return "".join([*told, *options])

    def initAlgorithm(self, configuration: Any = None) -> None:  # noqa: ARG002
        """Add the parameters and outputs."""
        for each in self._spec.parameters:
            self._add(each, _PARAMETERS[each.kind](each, self._label(each)))
        if self._spec.has_language:
            chosen = Parameter("LANG", "choice", "--lang", advanced=True, choices=LANGUAGES)
            made = QgsProcessingParameterEnum(
                "LANG", text("param_LANG"), ["English", "中文"],
                defaultValue=LANGUAGES.index(language()),
            )  # fmt: skip
            self._add(chosen, made)
        if self._spec.output.kind == "folder" and self._spec.shows:
            self.addOutput(QgsProcessingOutputFile("PLAN_FILE", text("output_plan")))
        self.addOutput(QgsProcessingOutputBoolean("OK", text("output_ok")))

    def checkParameterValues(
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> tuple[bool, str]:
        """Refuse what the command would, before it runs."""
        either = self._spec.either
        given = [name for name in either if parameters.get(name) not in (None, "")]
        if either and len(given) != 1:
            names = [self._label(each) for each in self._spec.parameters if each.name in either]
            return False, text("one_of").format(a=names[0], b=names[1])
        checked: tuple[bool, str] = super().checkParameterValues(parameters, context)
        return checked

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Run the command; return where its output is and whether all proofs hold."""
        values = {
            each.name: self._value(each, parameters, context, feedback)
            for each in self._spec.parameters
        }
        given = options_of(self._spec, values)
        if self._spec.has_language:
            lang = self.parameterAsEnum(parameters, "LANG", context)
            given.insert(1, f"--lang={LANGUAGES[lang]}")
        done = self._run(given, feedback)
        output = str(values["OUTPUT"])
        results: dict[str, Any] = {
            name: values[name] for name in ("OUTPUT", "MOVES") if values.get(name)
        }
        if self._spec.output_is_stdout:
            _write_page(Path(output), self.displayName(), done.printed)
        else:
            for line in done.printed:
                feedback.pushInfo(line)
        results["OK"] = done.code == 0
        if self._spec.output.kind == "folder" and self._spec.shows:
            plan = str(Path(output) / "plan.gpkg")
            results["PLAN_FILE"] = plan
            load_layers(plan, self._spec.shows, Path(output).name, context)
        elif self._spec.shows:
            load_layers(output, self._spec.shows, self.displayName(), context)
        feedback.setProgress(100)
        return results

    def _run(self, given: list[str], feedback: QgsProcessingFeedback) -> Done:
        command = find_command(_setting())
        if command is None:
            raise QgsProcessingException(text("no_command"))
        feedback.pushCommandInfo(" ".join(["gridcell", *given]))
        told: list[str] = []

        def say(line: str) -> None:
            told.append(line)
            feedback.pushInfo(line)

        def progress(percent: float, stage: str) -> None:
            feedback.setProgress(percent)
            feedback.setProgressText(stage)

        done = run(
            [*command, *given], clean_environment(os.environ, language()), say=say,
            progress=progress, is_cancelled=feedback.isCanceled,
        )  # fmt: skip
        if done.cancelled:
            raise QgsProcessingException(text("cancelled"))
        if done.code not in (0, PROOF_FAILED):
            last = next((line for line in reversed(told) if line.strip()), "")
            raise QgsProcessingException(last or text("failed").format(code=done.code))
        if done.code == PROOF_FAILED:
            feedback.reportError(text("proof_failed"))
        return done

    def _add(self, parameter: Parameter, made: QgsProcessingParameterDefinition) -> None:
        flags = made.flags()
        if parameter.optional and parameter.kind not in ("yes", "choice"):
            flags |= QgsProcessingParameterDefinition.FlagOptional
        if parameter.advanced:
            flags |= QgsProcessingParameterDefinition.FlagAdvanced
        made.setFlags(flags)
        made.setHelp(self._help(parameter))
        self.addParameter(made)

    def _label(self, parameter: Parameter) -> str:
        own = f"param_{self._spec.command}_{parameter.name}"
        return text(own if has_text(own) else f"param_{parameter.name}")

    def _help(self, parameter: Parameter) -> str:
        if parameter.option and parameter.name != "OUTPUT":
            return self._without_options(help_of(self._spec.command, parameter.option))
        return ""

    def _without_options(self, told: str) -> str:
        """Return a text with labels for options; nothing if it tells of others than we have."""
        labels = {each.option: self._label(each) for each in self._spec.parameters if each.option}
        labels["-o"] = self._label(self._spec.output)
        found = [each for each in _OPTION.findall(told) if each not in labels]
        return "" if found else _OPTION.sub(lambda match: f"“{labels[match.group()]}”", told)

    def _value(
        self,
        parameter: Parameter,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> str | bool | list[str]:
        """Return what was given as the command line takes it; nothing where nothing was given."""
        name, kind = parameter.name, parameter.kind
        if kind == "folder":
            return str(self.parameterAsFileOutput(parameters, name, context))
        if parameters.get(name) is None and parameter.default is None:
            return ""
        if kind in _SOURCES:
            own: str = text_file(self.parameterAsVectorLayer(parameters, name, context))
            if own:
                return own
            return with_layer(
                *self.parameterAsCompatibleSourceLayerPathAndLayerName(
                    parameters, name, context, READ, "gpkg", feedback
                )
            )
        if kind == "layers":
            layers = self.parameterAsLayerList(parameters, name, context)
            return [file_of(each, context, feedback) for each in layers]
        if kind == "yes":
            return bool(self.parameterAsBool(parameters, name, context))
        if kind == "choice":
            return parameter.choices[int(self.parameterAsEnum(parameters, name, context))]
        if kind == "crs":
            return str(self.parameterAsCrs(parameters, name, context).authid())
        if kind == "vector":
            return str(self.parameterAsOutputLayer(parameters, name, context))
        if kind in ("page", "geopackage"):
            return str(self.parameterAsFileOutput(parameters, name, context))
        told: str = str(self.parameterAsString(parameters, name, context)).strip()
        return told.splitlines() if kind == "lines" else told


def _make_number(parameter: Parameter, label: str) -> QgsProcessingParameterDefinition:
    kind = QgsProcessingParameterNumber
    type_ = kind.Integer if parameter.kind == "count" else kind.Double
    made: QgsProcessingParameterDefinition = kind(
        parameter.name, label, type_, None, optional=True, minValue=0
    )
    return made


def _make_output(parameter: Parameter, label: str) -> QgsProcessingParameterDefinition:
    filters = {"page": "HTML (*.html)", "geopackage": "GeoPackage (*.gpkg)"}
    return QgsProcessingParameterFileDestination(parameter.name, label, filters[parameter.kind])


_PARAMETERS: dict[str, Callable[[Parameter, str], Any]] = {
    "polygons": lambda p, label: QgsProcessingParameterFeatureSource(
        p.name, label, [QgsProcessing.TypeVectorPolygon]
    ),
    "layer": lambda p, label: QgsProcessingParameterFeatureSource(
        p.name, label, [QgsProcessing.TypeVectorAnyGeometry]
    ),
    "table": lambda p, label: QgsProcessingParameterFeatureSource(
        p.name, label, [QgsProcessing.TypeVector]
    ),
    "layers": lambda p, label: QgsProcessingParameterMultipleLayers(
        p.name, label, QgsProcessing.TypeVector
    ),
    "column": lambda p, label: QgsProcessingParameterField(
        p.name, label, parentLayerParameterName="CELLS", type=QgsProcessingParameterField.Numeric
    ),
    "plan": lambda p, label: QgsProcessingParameterFile(
        p.name, label, fileFilter="plan.gpkg (*.gpkg)"
    ),
    "file": lambda p, label: QgsProcessingParameterFile(p.name, label, fileFilter="TOML (*.toml)"),
    "text": lambda p, label: QgsProcessingParameterString(p.name, label),
    "lines": lambda p, label: QgsProcessingParameterString(p.name, label, multiLine=True),
    "count": _make_number,
    "metres": _make_number,
    "yes": lambda p, label: QgsProcessingParameterBoolean(
        p.name, label, defaultValue=p.default is True
    ),
    "choice": lambda p, label: QgsProcessingParameterEnum(
        p.name, label, [_choice(each) for each in p.choices],
        defaultValue=p.choices.index(str(p.default)),
    ),
    "crs": lambda p, label: QgsProcessingParameterCrs(p.name, label),
    "vector": lambda p, label: QgsProcessingParameterVectorDestination(
        p.name, label, createByDefault=not p.optional
    ),
    "page": _make_output,
    "geopackage": _make_output,
    "folder": lambda p, label: QgsProcessingParameterFolderDestination(p.name, label),
}  # fmt: skip


def _choice(name: str) -> str:
    return text(f"choice_{name}") if has_text(f"choice_{name}") else name


def _escaped(line: str) -> str:
    return html.escape(line, quote=False)


def _write_page(path: Path, title: str, lines: list[str]) -> None:
    told = html.escape("\n".join(lines))
    page = f'<!DOCTYPE html>\n<meta charset="utf-8">\n<title>{html.escape(title)}</title>\n'
    path.write_text(f"{page}<pre>{told}</pre>\n", encoding="utf-8")


def _setting() -> str:
    from processing.core.ProcessingConfig import ProcessingConfig

    return str(ProcessingConfig.getSetting(SETTING) or "")
