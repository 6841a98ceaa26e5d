"""The pictures on cards: letters, their fonts and order, drawn into tiles."""
