"""The provider ``gridcell`` of Processing, with its setting."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from .algorithm import CommandAlgorithm
from .commands import ALGORITHMS
from .runner import SETTING
from .texts import text

ICON = Path(__file__).with_name("icon.svg")


class Provider(QgsProcessingProvider):
    """The commands of gridcell as algorithms."""

    def id(self) -> str:
        """Return the name by which models and scripts call the provider."""
        return "gridcell"

    def name(self) -> str:
        """Return the name in the toolbox."""
        return "gridcell"

    def longName(self) -> str:
        """Return what the toolbox says of the provider."""
        return text("provider")

    def icon(self) -> QIcon:
        """Return the sign in the toolbox."""
        return QIcon(str(ICON))

    def load(self) -> bool:
        """Add the setting of where the command is, and the algorithms."""
        from processing.core.ProcessingConfig import ProcessingConfig, Setting

        ProcessingConfig.settingIcons[self.name()] = self.icon()
        ProcessingConfig.addSetting(Setting(self.name(), SETTING, text("setting_command"), ""))
        ProcessingConfig.readSettings()
        self.refreshAlgorithms()
        return True

    def unload(self) -> None:
        """Take the setting away."""
        from processing.core.ProcessingConfig import ProcessingConfig

        ProcessingConfig.removeSetting(SETTING)

    def loadAlgorithms(self) -> None:
        """Add the algorithms."""
        for each in ALGORITHMS:
            self.addAlgorithm(CommandAlgorithm(each))
