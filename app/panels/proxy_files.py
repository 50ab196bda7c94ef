"""A first proxy fitted to the photos, and proxies and meshes from and to files."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.background import Background, Handle
from app.document.document import Document
from app.panels.say import say
from app.shell.icons import set_icon
from app.shell.work_row import WorkRow
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
        self.fitter = Background(self)
        self.kind = QComboBox()
        self.kind.setObjectName("fitKind")
        for name, words in _KINDS:
            self.kind.addItem(words, name)
        self.fit = QPushButton("Fit to the photos")
        self.fit.setObjectName("fitProxy")
        self.fit.setToolTip("Make a new source proxy from the subject's masks; the target starts from it")
        set_icon(self.fit, "proxy")
        self.working = WorkRow(self.fitter, "fit", "Stop; nothing changes")
        self.import_button = QPushButton("Import ...")
        self.import_button.setObjectName("importProxy")
        self.import_button.setToolTip("A proxy file replaces the proxy; a mesh becomes a new part")
        self.export_button = QPushButton("Export ...")
        self.export_button.setObjectName("exportProxy")
        self.export_button.setToolTip("As a proxy file (JSON), or as a mesh (GLB)")
        self._lay_out()
        self.fit.clicked.connect(self.start_fit)
        self.import_button.clicked.connect(self.ask_import)
        self.export_button.clicked.connect(self.ask_export)
        self.fitter.changed.connect(lambda: self.fit.setEnabled(not self.fitter.is_working))
        document.projectChanged.connect(self.fitter.cancel)

    def _lay_out(self) -> None:
        first, second = QHBoxLayout(), QHBoxLayout()
        for row in (first, second):
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(6)
        first.addWidget(QLabel("As"))
        first.addWidget(self.kind, 1)
        first.addWidget(self.fit)
        second.addWidget(self.import_button, 1)
        second.addWidget(self.export_button, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(first)
        column.addWidget(self.working)
        column.addLayout(second)

    # ---- fitting

    def start_fit(self) -> None:
        """Beside the window; what comes out is one command."""
        scene = self._document.scene
        if scene is None or self.fitter.is_working:
            return
        kind = self.kind.currentData()

        def work(handle: Handle) -> DepthProxy:
            from qnerf_core.proxy.fitting import fit_proxy

            return fit_proxy(scene, kind, progress=handle.tell, cancelled=handle.cancelled)

        def take(proxy: DepthProxy) -> None:
            self._document.set_both_proxies(proxy, "Fit proxy to the photos")

        self.fitter.run("Fitting the proxy", work, take)

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
