"""What happened on a person's account, and everything that is kept about them."""

from flask import Response, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue

from blueprints import guard
from blueprints.account import account
from blueprints.pages import page
from services import activity as history
from services import personal_data


@account.get("/account/activity")
def activity() -> ResponseReturnValue:
    """The latest events, older ones page by page."""
    shown = history.list_page(guard.the_user(), request.args.get("before", type=int))
    older = url_for("account.activity", before=shown.next_before) if shown.next_before else None
    return page("account/activity", events=shown.events, older_url=older)


@account.get("/account/data")
@guard.recently_authenticated
def data() -> Response:
    """Everything kept about the person, as a JSON file."""
    pieces = stream_with_context(personal_data.export(guard.the_user()))
    answer = Response(pieces, mimetype="application/json")
    answer.headers["Content-Disposition"] = "attachment; filename=my-data.json"
    return answer
