"""Help pages: Markdown of resources/help, one a panel."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QTextCursor, QTextDocument
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QTextBrowser, QToolButton, QVBoxLayout, QWidget

from app.paths import resources_folder
from app.shell.icons import set_icon
from app.shell.themes import themes

FIRST_PAGE = "start"


def pages() -> dict[str, str]:
    """Title by name, in the order of reading."""
    found = {}
    for file in sorted(_folder().glob("*.md"), key=lambda file: (_order(file), file.name)):
        found[file.stem] = file.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ").strip()
    return found


_ORDER = (
    "start",
    "viewport",
    "views",
    "pose",
    "proxy",
    "fitting",
    "edit",
    "queue",
    "gallery",
    "result",
    "export",
    "history",
    "log",
)


def _order(file: Path) -> int:
    return _ORDER.index(file.stem) if file.stem in _ORDER else len(_ORDER)


def _folder() -> Path:
    return resources_folder() / "help"


def page_of(widget: QWidget | None) -> str:
    """The page of the panel that a widget belongs to."""
    while widget is not None:
        name = widget.property("helpPage")
        if isinstance(name, str) and (_folder() / f"{name}.md").is_file():
            return name
        widget = widget.parentWidget()
    return FIRST_PAGE


class HelpPanel(QWidget):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("helpPanel")
        self._page = FIRST_PAGE
        self._choice = QComboBox()
        self._choice.setObjectName("helpChoice")
        for name, title in pages().items():
            self._choice.addItem(title, name)
        self._choice.activated.connect(lambda: self.show_page(self._choice.currentData()))
        self._back = QToolButton()
        self._back.setObjectName("helpBack")
        self._back.setToolTip("The page before")
        set_icon(self._back, "arrow-left")
        self._back.setEnabled(False)
        self._back.clicked.connect(self._go_back)
        self._browser = QTextBrowser()
        self._browser.setObjectName("helpText")
        self._browser.setOpenLinks(False)
        self._browser.anchorClicked.connect(self._follow)
        self._before: list[str] = []
        row = QHBoxLayout()
        row.addWidget(self._back)
        row.addWidget(self._choice, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 10, 10, 10)
        layout.addLayout(row)
        layout.addWidget(self._browser, 1)
        themes().changed.connect(self._render)
        self._render()

    @property
    def page(self) -> str:
        return self._page

    def show_page(self, name: str) -> None:
        if name != self._page:
            self._before.append(self._page)
            self._page = name
            self._render()

    def _go_back(self) -> None:
        self._page = self._before.pop()
        self._render()

    def _render(self) -> None:
        theme = themes().theme
        self._browser.document().setDefaultStyleSheet(f"a {{ color: {theme.accent}; }}")
        self._browser.document().setDocumentMargin(10)
        self._browser.setMarkdown((_folder() / f"{self._page}.md").read_text(encoding="utf-8"))
        _space_out(self._browser.document())
        self._choice.setCurrentIndex(self._choice.findData(self._page))
        self._back.setEnabled(bool(self._before))

    def _follow(self, link: QUrl) -> None:
        name = link.toString().removesuffix(".md")
        if (_folder() / f"{name}.md").is_file():
            self.show_page(name)
        else:
            QDesktopServices.openUrl(link)


def _space_out(document: QTextDocument) -> None:
    """Markdown comes without any room between its paragraphs."""
    block = document.begin()
    while block.isValid():
        cursor, form = QTextCursor(block), block.blockFormat()
        if cursor.currentTable() is None:
            level = form.headingLevel()
            form.setTopMargin(18 if level > 1 else 4)
            form.setBottomMargin(6 if level else 8 if block.textList() is None else 3)
            cursor.setBlockFormat(form)
        block = block.next()
