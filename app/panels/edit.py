"""The Edit inspector: what will be done to all views, what it will cost, and the button that starts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.panels.edit_cost import CostCard
from app.panels.edit_fields import ADVANCED, PLAIN, PREVIEWS, value_of
from app.panels.edit_presets import PresetBar
from app.panels.edit_target import MY_POSE, EditChoice, ModelChoice, ViewsChoice
from app.panels.editors import Text
from app.panels.fields import FieldRow, Fold, Heading, line
from app.panels.say import say
from app.shell.icons import set_icon
from qnerf_core.errors import StudioError

if TYPE_CHECKING:
    from app.document.document import Document
    from app.jobs import JobQueue

_ESTIMATE_AFTER_MS = 120


class EditPanel(QWidget):
    def __init__(self, document: Document, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("edit_panel")
        self._document = document
        self._queue = queue
        self.edit_choice, self.views_choice, self.model_choice = EditChoice(), ViewsChoice(), ModelChoice()
        self.presets = PresetBar(document)
        self.fields: dict[str, FieldRow] = {}
        self._dependent: list[FieldRow] = []
        self.cost = CostCard()
        self.edit_button = QPushButton("Edit")
        self.edit_button.setObjectName("edit_button")
        self.edit_button.setProperty("primary", True)
        self.edit_button.setMinimumHeight(32)
        set_icon(self.edit_button, "edit-run", "on_accent")
        self.queue_button = QPushButton("Add to queue")
        self.queue_button.setObjectName("queue_button")
        self.queue_button.setMinimumHeight(32)
        self.queue_button.setToolTip("Put it behind everything that waits")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_ESTIMATE_AFTER_MS)
        self._timer.timeout.connect(self._estimate)
        self._build()
        self.edit_button.clicked.connect(self.start)
        self.queue_button.clicked.connect(self.add_to_queue)
        document.sceneChanged.connect(self._show_scene)
        document.controlChanged.connect(self._show_scene)
        document.settingsChanged.connect(self.refresh)
        for signal in (
            document.targetPoseChanged,
            document.sourcePoseChanged,
            document.targetProxyChanged,
            document.sourceProxyChanged,
        ):
            signal.connect(self._show_edit)
        self._show_scene()

    def start(self) -> None:
        """Queue the edit before everything that waits."""
        self._submit(first=True)

    def add_to_queue(self) -> None:
        self._submit(first=False)

    def refresh(self) -> None:
        spec = self._document.spec
        content = spec.model_dump()
        for name, row in self.fields.items():
            if name != "edit":
                row.show_value(value_of(content, name))
        for row in self._dependent:
            row.setEnabled(spec.method == "qnerf")
        self.presets.refresh()
        self._show_edit()
        self._timer.start()

    def _build(self) -> None:
        content = QWidget()
        rows = QVBoxLayout(content)
        rows.setContentsMargins(12, 10, 8, 12)
        rows.setSpacing(7)
        rows.addWidget(self.presets)
        rows.addWidget(line())
        for row in self._plain_rows():
            rows.addWidget(row)
        rows.addSpacing(2)
        self.advanced = Fold("Advanced")
        self.advanced.setObjectName("advanced")
        for title, settings in ADVANCED:
            self.advanced.content.addSpacing(4)
            self.advanced.content.addWidget(Heading(title))
            for setting in settings:
                self.advanced.content.addWidget(self._field(setting.row(), setting.needs_consolidation))
        rows.addWidget(self.advanced)
        rows.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.edit_button, 1)
        buttons.addWidget(self.queue_button)
        footer = QVBoxLayout()
        footer.setContentsMargins(12, 8, 12, 12)
        footer.setSpacing(8)
        footer.addWidget(self.cost)
        footer.addLayout(buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(scroll, 1)
        column.addWidget(line())
        column.addLayout(footer)

    def _plain_rows(self) -> list[FieldRow]:
        edit = FieldRow(
            "edit",
            "Edit to",
            "What the subject becomes: an edit that the capture brings, or the pose or proxy that you made in the "
            "viewport.",
            self.edit_choice,
            MY_POSE,
        )
        views = FieldRow(
            "views",
            "Views",
            "Which pictures are edited. Fewer are spread evenly around the subject; time and memory grow with their "
            "number. Fewer than eight agree on little.",
            self.views_choice,
            None,
        )
        model = FieldRow(
            "backbone",
            "Model",
            "The diffusion model. The built-in one knows the built-in captures' world only; a folder with Stable "
            "Diffusion 1.5 and its ControlNets edits photos, and needs a GPU to be quick.",
            self.model_choice,
            "builtin",
        )
        rows = [self._field(edit), self._field(views)]
        rows += [self._field(setting.row(), setting.needs_consolidation) for setting in PLAIN]
        return [*rows, self._field(model), self._field(PREVIEWS.row())]

    def _field(self, row: FieldRow, needs_consolidation: bool = False) -> FieldRow:
        self.fields[row.name] = row
        if needs_consolidation:
            self._dependent.append(row)
        row.edited.connect(self._edited)
        row.finished.connect(self._document.finish_change)
        return row

    def _edited(self, name: str, value: Any) -> None:
        try:
            if name != "edit":
                self._document.set_spec(**{name: value})
            elif value != MY_POSE:
                self._document.apply_edit(value)
        except StudioError as error:
            say(error)
        self.refresh()

    def _show_scene(self) -> None:
        scene = self._document.scene
        self.setEnabled(scene is not None)
        self.edit_choice.set_edits(self._document.edit_names, self._document.control)
        self.views_choice.set_views([view.name for view in scene.training_views] if scene is not None else ())
        prompt = self.fields["prompt"].editor
        if scene is not None and isinstance(prompt, Text):
            prompt.box.setPlaceholderText(scene.prompt)
        self.refresh()

    def _show_edit(self) -> None:
        row = self.fields["edit"]
        row.show_value(self._document.edit_name)
        row.reset.hide()
        self._timer.start()

    def _estimate(self) -> None:
        document = self._document
        if document.scene is None or document.project is None:
            return
        count = self.cost.show_for(document)
        self.edit_button.setText(f"Edit {count} view{'' if count == 1 else 's'}")

    def _submit(self, *, first: bool) -> None:
        try:
            job = self._queue.submit_edit(self._document)
        except StudioError as error:
            say(error)
            return
        if first:
            waiting = [index for index, other in enumerate(self._queue.jobs) if other.state == "queued"]
            self._queue.move(job.id, waiting[0] if waiting else len(self._queue.jobs))
