"""The pictures on cards: fonts, shaped and ordered text, and the tiles it is drawn in."""
