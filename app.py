"""``create_app``: the one place that knows every part and puts them together."""

import gc
import multiprocessing
import signal
import sys
from typing import Any

import structlog
from flask import Flask
from sqlalchemy.engine import Engine
from werkzeug.routing import IntegerConverter, Map

import cli
import logs
from blueprints import cookies, error_pages, guard, headers
from blueprints.account import account
from blueprints.admin import admin
from blueprints.auth import auth
from blueprints.bodies import Bodies
from blueprints.dev import dev
from blueprints.gate import gate
from blueprints.gate.authz import Authz
from blueprints.gate.doctor_probe import DoctorProbe
from blueprints.hooks import hooks
from blueprints.signed_session import SignedSessions
from blueprints.site import site
from blueprints.static_versions import StaticVersions
from blueprints.templating import TemplateEnvironment, template_globals
from blueprints.two_factor import two_factor
from cli_output import list_problems
from config import Config, SettingsInvalid, examine, hint_for_newcomers, load, unknown_names
from config_checks import can_be_written
from extensions import babel, csrf, db, login_manager, migrate, prepare_engine
from services import delivery, first_account, hashing, readiness
from services.gate import gatekeeper
from services.gate.gatekeeper import Gatekeeper
from services.sealing import signing_keys

log = structlog.get_logger("gatepost")

IN_VAIN = 3
"""The status of a server's worker that cannot start: gunicorn then tries no other."""


def create_app(config: Config | None = None) -> Flask:
    """Build the portal from its settings (those of the environment, unless given).

    Settings that cannot be used end the process with status 1 and every problem listed.
    """
    if config is None and cli.needs_no_settings(sys.argv[1:]):
        return _commands_alone()
    config = config or _load_or_exit()
    logs.set_up(development=config.development)
    app = Flask(__name__, instance_path=str(config.instance_dir.resolve()))
    app.jinja_environment, app.session_interface = TemplateEnvironment, SignedSessions()
    app.extensions["gatepost"] = config
    app.config.from_mapping(_flask_settings(config))
    config.instance_dir.mkdir(parents=True, exist_ok=True)
    _bind_extensions(app, config)
    _hang_guards(app)
    _register_blueprints(app, config)
    error_pages.register(app)
    cli.register(app)
    keeper: Gatekeeper = app.extensions["gatepost-gate"]
    app.wsgi_app = Bodies(app, app.wsgi_app)  # type: ignore[method-assign]
    app.wsgi_app = Authz(app, keeper, app.wsgi_app)  # type: ignore[method-assign]
    app.wsgi_app = DoctorProbe(app, app.wsgi_app)  # type: ignore[method-assign]
    return app


def serve() -> Flask:
    """The portal for a server's worker process: with its delivery worker running.

    Without good settings, or this version's tables, it ends the process with ``IN_VAIN``.
    A database that is away, though, comes back: until then ``/readyz`` says so.
    """
    _leave_interrupts_to_the_server()
    app = create_app(_load_or_exit(IN_VAIN))
    for sentence in unknown_names():
        log.warning("setting_unknown", text=sentence)
    with app.app_context():
        _exit_unless_upgraded()
        hashing.warm_up()
        _announce_setup()
    delivery.start(app)
    keeper: Gatekeeper = app.extensions["gatepost-gate"]
    keeper.watch()
    _keep_for_good()
    return app


def _leave_interrupts_to_the_server() -> None:
    """Ctrl-C tells every process of the terminal, and granian then tells its workers once more:
    one that is told twice at the same moment can hang in its own handler.
    """
    if multiprocessing.parent_process() is not None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _commands_alone() -> Flask:
    """Enough to tell about the commands, and for those that look at whatever settings there are."""
    config, _ = examine()
    app = Flask(__name__, instance_path=str(config.instance_dir.resolve()))
    app.config.from_mapping(
        SQLALCHEMY_DATABASE_URI=config.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(config),
    )
    if can_be_written(config.instance_dir):  # or SQLite could not say that it has no tables
        config.instance_dir.mkdir(parents=True, exist_ok=True)
    db.init_app(app)
    migrate.init_app(app, db)
    cli.register(app)
    return app


def _load_or_exit(status: int = 1) -> Config:
    try:
        return load()
    except SettingsInvalid as error:
        heading = "Gatepost does not start: its settings have problems."
        list_problems(heading, error.problems, hint_for_newcomers())
        sys.exit(status)


def _exit_unless_upgraded() -> None:
    problem = readiness.find_problem()
    if problem and problem.asks_for_upgrade:
        sys.stderr.write(f"Gatepost does not start. {problem}\n")
        sys.exit(IN_VAIN)
    if problem:
        log.error("database", text=str(problem))


def _keep_for_good() -> None:
    """Take what starting made out of the garbage collector's rounds: it stays until the end.

    Else each full round looks at all of it, tens of milliseconds of somebody's request.
    """
    gc.collect()
    gc.freeze()


def _flask_settings(config: Config) -> dict[str, Any]:
    return {
        "SQLALCHEMY_DATABASE_URI": config.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(config),
        "SESSION_COOKIE_NAME": cookies.name_of(cookies.SESSION, config),
        "SESSION_COOKIE_SECURE": config.https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_REFRESH_EACH_REQUEST": False,
        # Flask-Login's own: where a cookie of this name comes in, it does not ask our loader.
        # So a name that none can have, or a sibling host could hide people's logins.
        "REMEMBER_COOKIE_NAME": "; none",
        "MAX_CONTENT_LENGTH": config.request_bytes,
        "MAX_FORM_MEMORY_SIZE": config.request_bytes,
        "MAX_FORM_PARTS": config.request_fields,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
        "BABEL_DEFAULT_LOCALE": "en",
        "SEND_FILE_MAX_AGE_DEFAULT": 0 if config.development else 31536000,
    }


def _engine_options(config: Config) -> dict[str, Any]:
    options: dict[str, Any] = {"hide_parameters": True}  # no address or digest in a trace
    if not config.database_url.startswith("sqlite"):
        options |= {
            "pool_pre_ping": True, "pool_timeout": 5, "connect_args": {"connect_timeout": 5}
        }  # fmt: skip
    return options


def _bind_extensions(app: Flask, config: Config) -> None:
    db.init_app(app)
    migrate.init_app(app, db)
    babel.init_app(app)
    # Its own context processor would ask the database for the person on every page, on those
    # that tell that there is no database, too; ours hands templates a proxy that asks when used.
    login_manager.init_app(app, add_context_processor=False)
    login_manager.session_protection = None
    with app.app_context():
        if len(babel.list_translations()) == 1:  # English alone: no word has to be looked up
            app.jinja_env.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
        prepare_engine(_engine())
        gatekeeper.appoint(app, _engine())
        keys = signing_keys()
        app.config["SECRET_KEY"] = keys[-1]
        app.config["SECRET_KEY_FALLBACKS"] = keys[:-1]


def _engine() -> Engine:
    return db.engine


def _hang_guards(app: Flask) -> None:
    """In the order of what they cost: size, origin, token, and only then the database."""
    app.before_request(guard.limit_fields)
    app.before_request(guard.refuse_other_sites)
    csrf.init_app(app)
    app.before_request(guard.require_login)
    app.after_request(headers.protect)
    app.context_processor(template_globals)
    StaticVersions(app)
    guard.public(app.view_functions["static"])


class RowId(IntegerConverter):
    """``<int:…>`` in addresses: no larger than a row's id, or a database would choke."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=2**31 - 1)


def _register_blueprints(app: Flask, config: Config) -> None:
    app.url_map.converters["int"] = RowId
    app.url_map.merge_slashes = False  # or werkzeug redirects, to wherever the Host header says
    for blueprint in (site, auth, two_factor, account, admin, gate, hooks):
        app.register_blueprint(blueprint)
    if config.development:
        app.register_blueprint(dev)


def _announce_setup() -> None:
    """On an empty portal, tell the operator how to make the first account."""
    try:
        if first_account.is_empty():
            log.info(
                "setup",
                text="No accounts yet: open /setup with this token",
                token=first_account.setup_token(),
            )
    except Exception:  # a database that is away is /readyz's to tell, not a reason not to start
        db.session.rollback()
