"""The house of the panels: window, actions, theme, notices, help."""
