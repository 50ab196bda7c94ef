"""A first proxy fitted to the photos, and proxies and meshes from and to files."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.document.document import Document
from app.panels.say import say
from app.shell.icons import set_icon
from app.shell.tasks import beside
from qnerf_core.errors import ProxyError, StudioError
from qnerf_core.proxy.files import read_proxy, write_proxy
from qnerf_core.proxy.model import DepthProxy

_PROXIES = "Proxy (*.json)"
_MESHES = "Meshes (*.glb *.gltf *.obj *.ply *.stl *.off)"
_READABLE = "Proxies and meshes (*.json *.glb *.gltf *.obj *.ply *.stl *.off)"
_GLB = "Mesh for other programs (*.glb)"
_KINDS = (("boxes", "a few boxes"), ("mesh", "one mesh"))


class FilesSection(QWidget):
    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._fitting = 0
        self.kind = QComboBox()
        self.kind.setObjectName("fitKind")
        for name, words in _KINDS:
            self.kind.addItem(words, name)
        self.fit = QPushButton("Fit to the photos")
        self.fit.setObjectName("fitProxy")
        self.fit.setToolTip("Make a new source proxy from the subject's masks; the target starts from it")
        set_icon(self.fit, "proxy")
        self.progress = QProgressBar()
        self.progress.setObjectName("fitProgress")
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.cancel = QPushButton("Cancel")
        self.cancel.setObjectName("fitCancel")
        self.working = QWidget()
        self.import_button = QPushButton("Import ...")
        self.import_button.setObjectName("importProxy")
        self.import_button.setToolTip("A proxy file replaces the proxy; a mesh becomes a new part")
        self.export_button = QPushButton("Export ...")
        self.export_button.setObjectName("exportProxy")
        self.export_button.setToolTip("As a proxy file (JSON), or as a mesh (GLB)")
        self._lay_out()
        self.fit.clicked.connect(self.start_fit)
        self.cancel.clicked.connect(self.cancel_fit)
        self.import_button.clicked.connect(self.ask_import)
        self.export_button.clicked.connect(self.ask_export)
        document.projectChanged.connect(self.cancel_fit)

    def _lay_out(self) -> None:
        first, second, third = QHBoxLayout(), QHBoxLayout(self.working), QHBoxLayout()
        for row in (first, second, third):
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(6)
        first.addWidget(QLabel("As"))
        first.addWidget(self.kind, 1)
        first.addWidget(self.fit)
        second.addWidget(self.progress, 1)
        second.addWidget(self.cancel)
        third.addWidget(self.import_button, 1)
        third.addWidget(self.export_button, 1)
        self.working.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(first)
        column.addWidget(self.working)
        column.addLayout(third)

    # ---- fitting

    def start_fit(self) -> None:
        """Beside the window; what comes out is one command."""
        scene = self._document.scene
        if scene is None or self.working.isVisible():
            return
        kind = self.kind.currentData()
        self._fitting += 1
        number = self._fitting
        self._show_working(True)

        def work() -> DepthProxy:
            from qnerf_core.proxy.fitting import fit_proxy

            return fit_proxy(scene, kind)

        def take(proxy: DepthProxy) -> None:
            if number == self._fitting:
                self._document.set_both_proxies(proxy, "Fit proxy to the photos")

        beside(self, work, take, lambda: self._show_working(False) if number == self._fitting else None)

    def cancel_fit(self) -> None:
        """What is being fitted is dropped when it comes."""
        self._fitting += 1
        self._show_working(False)

    def _show_working(self, working: bool) -> None:
        self.working.setVisible(working)
        self.fit.setEnabled(not working)

    # ---- files

    def ask_import(self) -> None:
        dialog = QFileDialog(self, "Import a proxy or a mesh")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters([_READABLE, _PROXIES, _MESHES])
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.import_file)
        dialog.open()

    def ask_export(self) -> None:
        dialog = QFileDialog(self, "Export the proxy")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters([_PROXIES, _GLB])
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.export_file)
        dialog.open()

    def import_file(self, path: str) -> None:
        """A proxy file replaces the proxy that is edited, a mesh becomes parts of it."""
        from qnerf_core.proxy.mesh_files import read_mesh_parts

        try:
            if Path(path).suffix.lower() == ".json":
                self._document.set_proxy(read_proxy(path), f"Import {Path(path).name}")
            else:
                self._document.add_parts(read_mesh_parts(path), f"Import {Path(path).name}")
        except StudioError as error:
            say(error)

    def export_file(self, path: str) -> None:
        from qnerf_core.proxy.mesh_files import write_proxy_glb

        try:
            if Path(path).suffix.lower() == ".glb":
                write_proxy_glb(path, self._document.proxy)
            else:
                write_proxy(Path(path).with_suffix(".json"), self._document.proxy)
        except StudioError as error:
            say(error)
        except OSError as error:
            say(ProxyError(f"Cannot write {path}", str(error), "Choose another folder."))
