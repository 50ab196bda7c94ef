from __future__ import annotations

from PySide6.QtCore import Signal, SignalInstance
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.panels.history_entries import RunEntry
from app.shell.icons import set_icon


class HistoryDetails(QFrame):
    """The chosen run: its title and note to be changed, and what can be done with it."""

    labelChanged = Signal(object, str, str)  # entry, title, note
    shown = Signal()
    compared = Signal()
    recalled = Signal()
    recalledWithoutSeed = Signal()
    opened = Signal()
    deleted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("historyDetails")
        self._entry: RunEntry | None = None
        self.title = QLineEdit()
        self.title.setObjectName("historyTitle")
        self.title.setAccessibleName("Title")
        self.note = QLineEdit()
        self.note.setObjectName("historyNote")
        self.note.setPlaceholderText("Note")
        self.problem = QLabel()
        self.problem.setProperty("role", "error")
        self.problem.setWordWrap(True)
        self.show_button = self._button("historyShow", "Show", "Show this run in the gallery", self.shown)
        self.compare = self._button(
            "historyCompare", "Compare", "Wipe the run shown in the gallery against this one", self.compared
        )
        self.recall = QToolButton()
        self.recall.setObjectName("historyRecall")
        self.recall.setText("Recall")
        self.recall.setToolTip("Set all settings and the pose as they were in this run")
        self.recall.setProperty("raised", True)
        self.recall.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.recall.clicked.connect(self.recalled)
        menu = QMenu(self.recall)
        menu.addAction("All settings", self.recalled.emit)
        menu.addAction("All but the seed", self.recalledWithoutSeed.emit)
        self.recall.setMenu(menu)
        self.folder = self._tool("historyFolder", "folder-open", "Open the run's folder", self.opened)
        self.delete = self._tool("historyDelete", "trash", "Delete this run", self.deleted)
        row = QHBoxLayout()
        row.setSpacing(6)
        for widget in (self.show_button, self.compare, self.recall):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.folder)
        row.addWidget(self.delete)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 0, 10, 10)
        layout.setSpacing(6)
        for field in (self.title, self.note, self.problem):
            layout.addWidget(field)
        layout.addLayout(row)
        self.title.editingFinished.connect(self.commit)
        self.note.editingFinished.connect(self.commit)

    def _button(self, name: str, text: str, tip: str, signal: SignalInstance) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        button.setToolTip(tip)
        button.clicked.connect(lambda: signal.emit())
        return button

    def _tool(self, name: str, icon: str, tip: str, signal: SignalInstance) -> QToolButton:
        button = QToolButton()
        button.setObjectName(name)
        button.setToolTip(tip)
        set_icon(button, icon)
        button.clicked.connect(lambda: signal.emit())
        return button

    def show_entry(self, entry: RunEntry | None, *, busy: bool) -> None:
        """`busy`: a job works on the run or waits to."""
        other = entry is None or self._entry is None or entry.path != self._entry.path
        if other:
            self.commit()
        self._entry = entry
        if entry is None:
            return
        if other or not self.title.hasFocus():
            self.title.setText(entry.label.title)
        if other or not self.note.hasFocus():
            self.note.setText(entry.label.note)
        self.title.setPlaceholderText(entry.edit or entry.path.name)
        self.problem.setText(entry.problem)
        self.problem.setVisible(bool(entry.problem))
        for button in (self.show_button, self.compare, self.recall):
            button.setEnabled(not entry.problem)
        self.delete.setEnabled(not busy)
        tip = "A job works on this run; cancel it first" if busy else "Delete this run"
        self.delete.setToolTip(tip)

    def commit(self) -> None:
        """Keep what was typed."""
        if self._entry is not None:
            title, note = self.title.text().strip(), self.note.text().strip()
            if (title, note) != (self._entry.label.title, self._entry.label.note):
                self.labelChanged.emit(self._entry, title, note)
