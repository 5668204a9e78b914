"""The web layer: a view builds its form, calls one service function, and redirects."""
