from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QSurfaceFormat
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
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    QSurfaceFormat.setDefaultFormat(surface_format())
    application = QApplication(arguments)
    application.setStyle("Fusion")
    Notices(application)
    themes().choose(settings.Preferences.load().theme)
    return application


def surface_format() -> QSurfaceFormat:
    """What VTK needs; Qt wants to know it before the first window."""
    result = QSurfaceFormat()
    result.setRenderableType(QSurfaceFormat.RenderableType.OpenGL)
    result.setProfile(QSurfaceFormat.OpenGLContextProfile.CoreProfile)
    result.setVersion(3, 2)
    result.setSwapBehavior(QSurfaceFormat.SwapBehavior.DoubleBuffer)
    result.setRedBufferSize(8)
    result.setGreenBufferSize(8)
    result.setBlueBufferSize(8)
    result.setAlphaBufferSize(8)
    result.setDepthBufferSize(24)
    result.setStencilBufferSize(0)
    result.setSamples(0)
    return result
