"""Who may enter: a login for every page but those marked ``@public``, fresh proof of
identity for sensitive ones, and nothing at all for requests that another site made.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from flask import Request, abort, current_app, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import UserMixin, current_user

from blueprints import cookies, pending
from blueprints.client_address import client_address
from extensions import login_manager, settings
from models import LoginSession, PendingSignIn, User
from services import identity, login_sessions, sign_in
from services.audit import Client
from services.errors import PendingSignInOver
from services.identity import Missing

View = TypeVar("View", bound=Callable[..., Any])
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class SignedInPerson(UserMixin):  # type: ignore[misc]
    """What Flask-Login calls the user: a person through one login session."""

    def __init__(self, login_session: LoginSession) -> None:
        self.login_session = login_session
        self.user = login_session.user

    def get_id(self) -> str:
        """The login session's id: that, not the person, is what is signed in."""
        return str(self.login_session.id)

    @property
    def label(self) -> str:
        """What to call the person."""
        return self.user.label

    @property
    def email(self) -> str:
        """The person's address."""
        return self.user.email


@login_manager.request_loader  # type: ignore[untyped-decorator]
def load_person(_request: Request) -> SignedInPerson | None:
    """Find the login session behind the login cookie, once a request."""
    token = cookies.read(cookies.LOGIN)
    login_session = login_sessions.find(token) if token else None
    return SignedInPerson(login_session) if login_session else None


def public(view: View) -> View:
    """Mark a view that needs no login."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def recently_authenticated(view: View) -> View:
    """Ask for fresh proof of identity first; a POST refused for want of it changes nothing."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        if identity.what_is_missing(current_login_session()) is Missing.NOTHING:
            return cast(ResponseReturnValue, view(*args, **kwargs))
        if request.method == "POST":
            flash(gettext("Nothing was changed yet: after this, fill in the form again."), "notice")
        return redirect(url_for("account.confirm_identity", next=page_of_request()), 303)

    return cast(View, guarded)


def pending_sign_in(view: View) -> View:
    """Let only a pending sign-in in, and find it for ``current_pending``."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        try:
            g.pending_sign_in = sign_in.find_pending(pending.sign_in_token())
            g.leads_to = g.form_target = g.pending_sign_in.next_url
        except PendingSignInOver as refusal:
            if current_user.is_authenticated:
                return redirect(url_for("site.home"), 303)
            if pending.sign_in_token():
                flash(str(refusal), "notice")
            return redirect(url_for("auth.sign_in"), 303)
        return cast(ResponseReturnValue, view(*args, **kwargs))

    return cast(View, guarded)


def current_pending() -> PendingSignIn:
    """The pending sign-in of this request."""
    return cast(PendingSignIn, g.pending_sign_in)


def current_login_session() -> LoginSession:
    """The login session of this request; the guard has made sure that there is one."""
    return cast(LoginSession, current_user.login_session)


def login_session_or_none() -> LoginSession | None:
    """The login session of this request on a public page, if there is one."""
    return current_user.login_session if current_user.is_authenticated else None


def the_user() -> User:
    """The signed-in person."""
    return current_login_session().user


def client() -> Client:
    """Who asks, for services: the address behind the trusted proxies, and the browser."""
    printable = "".join(c for c in request.headers.get("User-Agent", "") if c.isprintable())
    return Client(client_address(request, settings().trusted_proxies), printable[:200])


def asks_for_login() -> bool:
    """Whether this request's page is for people who are signed in."""
    view = current_app.view_functions.get(request.endpoint or "")
    return view is not None and not getattr(view, "is_public", False)


def require_login() -> ResponseReturnValue | None:
    """Before every request: deny by default."""
    if not asks_for_login():
        return None
    if not current_user.is_authenticated:
        if request.method == "GET" and "rd" in request.args:
            return redirect(url_for("auth.sign_in", rd=request.args["rd"]), 303)
        return redirect(url_for("auth.sign_in", next=page_of_request()), 303)
    login_sessions.note_seen(current_login_session())
    return None


def refuse_other_sites() -> None:
    """Before every request that changes something: it must come from one of our own pages.

    Sibling apps are same-site, so SameSite cookies do not keep them out; the
    browser's own word on where the request comes from does, beside the CSRF token.
    """
    if request.method in SAFE_METHODS or request.blueprint == "hooks":
        return
    fetch_site = request.headers.get("Sec-Fetch-Site")
    if fetch_site is not None:
        if fetch_site not in {"same-origin", "none"}:
            abort(400)
        return
    origin = request.headers.get("Origin", "null")
    allowed = {urlsplit(settings().base_url).netloc, request.host}
    if origin != "null" and origin.partition("://")[2] not in allowed:
        abort(400)


def limit_fields() -> None:
    """Before every request: no form of ours has so many fields; a provider's may grow."""
    if request.method in SAFE_METHODS:  # a body sent with those is nobody's to wait for
        return
    if (
        request.blueprint != "hooks"
        and len(list(request.form.items(multi=True))) > settings().request_fields
    ):
        abort(413)


def page_of_request() -> str:
    """The page to come back to: the nearest address, here or above, that can be opened."""
    here = current_app.create_url_adapter(request)
    if request.method == "GET" or (here and here.test(request.path, "GET")):
        return request.full_path.rstrip("?")
    path = request.path.rpartition("/")[0]
    while here and path:
        if here.test(path, "GET"):
            return path
        path = path.rpartition("/")[0]
    return url_for("account.overview")
