"""Measurements: what a complete sign-in costs, and what grows with the number of people.

``make bench`` runs them. They drive the production server as browsers do, and the
services in this process on databases filled for it; they change no other database.
Figures are ratios within one run: machines differ, and so does one machine from hour to hour.
"""
