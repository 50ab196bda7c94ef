from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication

from app.paths import APPLICATION, ORGANISATION
from app.shell import settings
from app.shell.notices import Notices
from app.shell.themes import themes


def make_application(arguments: list[str]) -> QApplication:
    """The application with the look of the program; made once in a process."""
    settings.redirect()
    QCoreApplication.setOrganizationName(ORGANISATION)
    QCoreApplication.setApplicationName(APPLICATION)
    application = QApplication(arguments)
    application.setStyle("Fusion")
    Notices(application)
    themes().choose(settings.Preferences.load().theme)
    return application
