"""Run by the Python that has QGIS: says as JSON what QGIS makes of the layers of a GeoPackage.

    python3 qgis_probe.py FILE LAYER,LAYER… FOLDER SCALE…

Pictures go into the folder. Nothing here is imported by the tests.
"""

import json
import sqlite3
import sys
from collections import Counter
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsExpression,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsRectangle,
    QgsRenderContext,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor, QImage
from qgis.PyQt.QtXml import QDomDocument

WIDTH, HEIGHT, DPI = 900, 600, 96


def evaluate(layer, text):
    """Return what an expression gives for each feature, and its errors."""
    expression = QgsExpression(text)
    context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    errors = [expression.parserErrorString()] if expression.hasParserError() else []
    # A column that is not there is no error to QGIS, but empty.
    unknown = expression.referencedColumns() - {field.name() for field in layer.fields()}
    errors += [f"no column {name}" for name in sorted(unknown)]
    values = []
    expression.prepare(context)
    for feature in layer.getFeatures():
        context.setFeature(feature)
        values.append(expression.evaluate(context))
        if expression.hasEvalError():
            errors.append(expression.evalErrorString())
    return values, errors


def look(layer):
    """Return a layer's rules, labels and scales as QGIS has read them."""
    context = QgsRenderContext()
    context.expressionContext().setFields(layer.fields())
    root = layer.renderer().rootRule() if layer.renderer().type() == "RuleRenderer" else None
    rules, errors = [], []
    for rule in root.children() if root else []:
        values, wrong = evaluate(layer, rule.filterExpression() or "1")
        errors += wrong
        rules.append(
            {
                "title": rule.label(),
                "filter": rule.filterExpression(),
                "symbol": [type(part).__name__ for part in rule.symbol().symbolLayers()],
                "features": sum(map(bool, values)),
            }
        )
    labels = []
    labeling = layer.labeling()
    for rule in labeling.rootRule().children() if labeling else []:
        chosen, wrong = evaluate(layer, rule.filterExpression() or "1")
        shown, bad = evaluate(layer, rule.settings().getLabelExpression().expression())
        errors += wrong + bad
        labels.append(
            {
                "filter": rule.filterExpression(),
                "above": rule.maximumScale(),
                "below": rule.minimumScale(),
                "texts": [text for yes, text in zip(chosen, shown, strict=True) if yes],
            }
        )
    return {
        "renderer": layer.renderer().type(),
        "rules": rules,
        "labelled": layer.labelsEnabled(),
        "labels": labels,
        "errors": errors,
        "below": layer.minimumScale() if layer.hasScaleBasedVisibility() else None,
    }


def draw(layers, scale, file):
    """Render layers around their middle; return how many pixels are not white, and the colours."""
    middle = layers[0].extent().center()
    across, up = (side / DPI * 0.0254 * scale / 2 for side in (WIDTH, HEIGHT))
    view = QgsMapSettings()
    view.setLayers(layers)
    view.setDestinationCrs(layers[0].crs())
    view.setOutputSize(QSize(WIDTH, HEIGHT))
    view.setOutputDpi(DPI)
    view.setBackgroundColor(QColor("white"))
    view.setExtent(QgsRectangle(middle.x() - across, middle.y() - up,
                                middle.x() + across, middle.y() + up))  # fmt: skip
    job = QgsMapRendererSequentialJob(view)
    job.start()
    job.waitForFinished()
    picture = job.renderedImage().convertToFormat(QImage.Format_RGB32)
    picture.save(str(file))
    raw = picture.constBits().asstring(picture.sizeInBytes())
    pixels = Counter(memoryview(raw).cast("I"))
    return {
        "scale": view.scale(),
        "errors": [error.message for error in job.errors()],
        "drawn": sum(pixels.values()) - pixels[0xFFFFFFFF],
        "colours": len(pixels),
    }


def probe(file, names, folder, scales):
    """Return what QGIS knows of each layer, and how many pixels it draws at each scale."""
    layers = {name: QgsVectorLayer(f"{file}|layername={name}", name, "ogr") for name in names}
    found = {}
    for name, layer in layers.items():
        own, ids, titles, _, _ = layer.listStylesInDatabase()
        found[name] = {
            "valid": layer.isValid(),
            "features": layer.featureCount(),
            "styles": titles[:own],
            **look(layer),
            "pictures": {s: draw([layer], int(s), folder / f"{name}-{s}.png") for s in scales},
        }
        layer.setLabelsEnabled(False)
        found[name]["bare"] = {s: draw([layer], int(s), folder / "bare.png") for s in scales}
        layer.setLabelsEnabled(found[name]["labelled"])
        other = [i for i, title in zip(ids[:own], titles[:own]) if title != "gridcell"]  # noqa: B905
        if other:
            second = QgsVectorLayer(f"{file}|layername={name}", name, "ogr")
            document = QDomDocument()
            document.setContent(second.getStyleFromDatabase(other[0])[0])
            found[name]["second"] = {"read": second.importNamedStyle(document)[0], **look(second)}
    found["all"] = {
        "pictures": {
            s: draw(list(layers.values()), int(s), folder / f"all-{s}.png") for s in scales
        }
    }
    with sqlite3.connect(file) as base:
        rows = base.execute("SELECT id, f_table_name, styleSLD FROM layer_styles").fetchall()
    for number, name, sld in (row for row in rows if row[1] in layers):
        (folder / f"{number}.sld").write_text(sld, "utf-8")
        layer = QgsVectorLayer(f"{file}|layername={name}", name, "ogr")
        message, read = layer.loadSldStyle(str(folder / f"{number}.sld"))
        found[name].setdefault("sld", []).append(
            {"read": read, "message": message, **look(layer),
             "drawn": draw([layer], int(scales[0]), folder / f"{name}-sld-{number}.png")["drawn"]}
        )  # fmt: skip
    return found


def main():
    application = QgsApplication([], False)
    application.initQgis()
    file, names, folder, *scales = sys.argv[1:]
    answer = json.dumps(probe(file, names.split(","), Path(folder), scales))
    sys.stdout.write(f"PROBE{answer}\n")
    sys.stdout.flush()
    application.exitQgis()


if __name__ == "__main__":
    main()
