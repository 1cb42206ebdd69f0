"""The console's application: its pages, and what becomes of errors."""

from http import HTTPStatus

from flask import Flask, render_template
from werkzeug.exceptions import HTTPException

from aurora_lambda.project import Project
from aurora_lambda_local.console.access import protect
from aurora_lambda_local.console.pages import configuration, database, functions, migrations, picture, routes, streams
from aurora_lambda_local.console.state import Console, console
from aurora_lambda_local.deployed.stack import StackRequestError, pretty_json, program_name
from aurora_lambda_local.platform.errors import LocalError, print_error
from aurora_lambda_local.platform.paths import LocalPaths
from aurora_lambda_runtime.database.errors import DatabaseError
from aurora_lambda_runtime.migrations.errors import MigrationError

PAGES = (functions, routes, database, migrations, streams, picture, configuration)
NAVIGATION = (
    ("functions.overview", "Overview", "o"),
    ("routes.show", "Routes", "r"),
    ("database.tables", "Database", "d"),
    ("migrations.show", "Migrations", "m"),
    ("streams.show", "Streams and queues", "s"),
    ("picture.show", "Picture", "p"),
    ("configuration.show", "Configuration", "c"),
)
EXPECTED = (LocalError, StackRequestError, DatabaseError, MigrationError)


def create_application(paths: LocalPaths, address: str) -> Flask:
    """Return the console of one checkout; `address` holds the token that opens it."""
    application = Flask(__name__)
    application.extensions["console"] = Console(paths)
    application.jinja_env.trim_blocks = application.jinja_env.lstrip_blocks = True
    application.jinja_env.filters["pretty_json"] = pretty_json
    application.jinja_env.filters["program_name"] = program_name
    application.jinja_env.filters["style"] = style_class
    protect(application, address)
    for module in PAGES:
        application.register_blueprint(module.pages)

    @application.context_processor
    def common() -> dict[str, object]:
        return {"navigation": NAVIGATION, "notices": console().take_notices, "project": Project.find().name}

    @application.errorhandler(Exception)
    def answer_error(error: Exception) -> tuple[str, int]:
        if isinstance(error, HTTPException):
            status, message = error.code or HTTPStatus.INTERNAL_SERVER_ERROR, str(error.description)
        elif isinstance(error, EXPECTED):
            status, message = HTTPStatus.CONFLICT, str(error)
        else:
            # The browser gets a page whatever the fault is; the traceback is in the supervisor's log.
            print_error(error)
            status, message = HTTPStatus.INTERNAL_SERVER_ERROR, f"{type(error).__name__}: {error}"
        title = "Not done" if isinstance(error, EXPECTED) else HTTPStatus(status).phrase
        return render_template("error.html", title=title, message=message), status

    return application


def style_class(style: str) -> str:
    """Return the classes of CSS for a style in rich's words."""
    return " ".join(f"t-{word}" for word in style.split())
