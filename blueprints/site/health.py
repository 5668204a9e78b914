"""Is the portal alive, and can it serve? For the machines that watch over it."""

from flask import Response, jsonify

from blueprints import guard
from blueprints.site import site
from services import readiness


@site.get("/healthz")
@guard.public
def healthz() -> Response:
    """The process answers; asks nothing else."""
    return jsonify(status="ok")


@site.get("/readyz")
@guard.public
def readyz() -> Response:
    """The database answers and has the tables of this version; 503 otherwise."""
    problem = readiness.find_problem()
    response = jsonify(status="ok" if problem is None else problem.word)
    response.status_code = 200 if problem is None else 503
    return response
