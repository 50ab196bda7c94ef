"""What the docks hold: inspectors, queue, history, export."""
