"""Draws the pictures of ``docs/qgis.md`` into FOLDER; run by the Python that has QGIS.

mkdir -p HOME/profiles/default && gridcell qgis install --profiles HOME/profiles
export QGIS_CUSTOM_CONFIG_PATH=HOME QT_QPA_PLATFORM=offscreen
python3 docs/make_qgis_pictures.py HOME FOLDER    # and once more with LC_ALL=zh_CN.UTF-8
"""

import shutil
import sys
from pathlib import Path

from qgis.core import QgsApplication, QgsLayerTreeModel, QgsProject
from qgis.gui import QgsLayerTreeMapCanvasBridge, QgsLayerTreeView, QgsMapCanvas
from qgis.PyQt.QtCore import QEventLoop, QTimer
from qgis.PyQt.QtGui import QFont
from qgis.PyQt.QtWidgets import QSplitter

SAMPLE = Path(__file__).resolve().parent.parent / "data" / "samples" / "hecheng"


def wait(milliseconds):
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec_()


def grab(widget, size, file):
    widget.resize(*size)
    widget.show()
    wait(1500)
    widget.grab().save(str(file), "PNG")
    print(file)


def sample(folder):
    town = folder / "town"  # the dialogs tell where files are
    if not town.exists():
        shutil.copytree(SAMPLE, town)
    return {
        "COMMUNITIES": str(town / "communities.shp"),
        "BUILDINGS": str(town / "buildings.shp"),
        "SITES": str(town / "sites.shp"),
        "HOUSEHOLDS": str(town / "households.csv"),
        "STAFF": str(town / "staff.csv"),
        "BARRIERS": [str(town / f"{name}.shp") for name in ("roads", "rivers")],
        "OUTPUT": str(folder / "hecheng"),
    }


def draw_dialog(name, values, file):
    from processing.gui.AlgorithmDialog import AlgorithmDialog

    registry = QgsApplication.processingRegistry()
    dialog = AlgorithmDialog(registry.createAlgorithmById(f"gridcell:{name}"))
    dialog.setParameters(values)
    grab(dialog, (940, 720), file)
    dialog.close()


def draw_plan(values, file):
    """Run the algorithm as the toolbox does, and draw what it has loaded."""
    import processing

    processing.runAndLoadResults("gridcell:partition", values)
    project = QgsProject.instance()
    tree, canvas, both = QgsLayerTreeView(), QgsMapCanvas(), QSplitter()
    model = QgsLayerTreeModel(project.layerTreeRoot())
    tree.setModel(model)
    tree.expandToDepth(0)
    bridge = QgsLayerTreeMapCanvasBridge(project.layerTreeRoot(), canvas)
    bridge.setCanvasLayers()
    layers = project.mapLayers().values()
    small = next(layer for layer in layers if layer.source().endswith("layername=small"))
    canvas.setDestinationCrs(small.crs())
    both.addWidget(tree)
    both.addWidget(canvas)
    both.resize(1100, 700)
    both.setSizes([230, 870])
    both.show()
    canvas.setExtent(small.extent())
    canvas.zoomScale(9000)
    wait(1000)
    while canvas.isDrawing():
        wait(200)
    grab(both, (1100, 700), file)


def main():
    home, folder = map(Path, sys.argv[1:3])
    application = QgsApplication(argv=[], GUIenabled=True, profileFolder=str(home))
    application.initQgis()
    is_chinese = application.locale().startswith("zh")
    QgsApplication.setFont(QFont("Noto Sans CJK SC", 9))
    sys.path[:0] = ["/usr/share/qgis/python/plugins", str(home / "profiles/default/python/plugins")]
    from processing.core.Processing import Processing

    Processing.initialize()
    from gridcell_qgis import classFactory

    plugin = classFactory(None)
    plugin.initProcessing()
    ending = "-zh" if is_chinese else ""
    draw_dialog("partition", sample(folder), folder / f"qgis-partition{ending}.png")
    if not is_chinese:
        draw_plan(sample(folder), folder / "qgis-plan.png")


main()
