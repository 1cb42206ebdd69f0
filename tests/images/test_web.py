"""Web frameworks in place of routes, with the ORM, on real databases."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import flask
import pytest
from django.conf import settings as django_settings
from django.core.handlers.asgi import ASGIHandler
from django.http import JsonResponse
from django.urls import path
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from litestar import Litestar, get
from litestar.params import FromPath
from sqlalchemy import String, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from aurora_lambda_runtime.database import types
from aurora_lambda_runtime.database.error_codes import is_duplicate
from aurora_lambda_runtime.database.orm import session, transaction
from aurora_lambda_runtime.handler.dispatcher import Application
from aurora_lambda_runtime.handler.web import web_application
from tests.conftest import ENGINES, Database, NewDatabase, set_aws_environment
from tests.images.client import Answer, Client, Context
from tests.images.runs import rows, run

STARTS: list[str] = []


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[UUID] = mapped_column(types.Uuid, primary_key=True, default=uuid4)
    text: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(types.UtcTimestamp, default=lambda: datetime.now(UTC))


@pytest.fixture(autouse=True)
def own_event_loop() -> Iterator[None]:
    """Run ASGI applications in an event loop of the test's own."""
    with asyncio.Runner():
        yield


def fastapi_application() -> FastAPI:
    """Return an application as a user of FastAPI writes it."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[dict[str, str]]:
        STARTS.append("started")
        yield {"started": "once"}

    app = FastAPI(lifespan=lifespan)
    database = Annotated[Session, Depends(session)]

    @app.post("/notes", status_code=201)
    def add(body: dict[str, str], database: database) -> dict[str, str]:
        note = Note(id=UUID(body["id"]) if "id" in body else uuid4(), text=body["text"])
        database.add(note)
        try:
            database.commit()
        except IntegrityError as error:
            if not is_duplicate(error):
                raise
            raise HTTPException(409, "there already") from None
        return {"id": str(note.id), "text": note.text}

    @app.get("/notes/{text}")
    async def find(text: str, database: database, request: Request, response: Response) -> dict[str, Any]:
        found = database.scalars(select(Note).where(Note.text == text)).all()
        response.set_cookie("seen", "1")
        client = request.client.host if request.client else ""
        return {
            "notes": [note.text for note in found],
            "query": request.query_params.getlist("q"),
            "cookie": request.cookies.get("a"),
            "client": client,
            "state": request.state.started,
        }

    @app.get("/picture")
    def picture() -> Response:
        return Response(b"\xff\xd8", media_type="image/jpeg")

    @app.get("/broken")
    def broken() -> None:
        raise ZeroDivisionError("a secret detail")

    return app


def flask_application() -> flask.Flask:
    """Return an application as a user of Flask writes it."""
    app = flask.Flask(__name__)

    @app.post("/notes")
    def add() -> Any:
        body = flask.request.get_json()

        def insert(opened: Session) -> Note:
            note = Note(id=UUID(body["id"]) if "id" in body else uuid4(), text=body["text"])
            opened.add(note)
            return note

        try:
            note = transaction(insert)
        except IntegrityError as error:
            if not is_duplicate(error):
                raise
            return {"detail": "there already"}, 409
        return {"id": str(note.id), "text": note.text}, 201

    @app.get("/notes/<text>")
    def find(text: str) -> Any:
        with session() as database:
            found = [note.text for note in database.scalars(select(Note).where(Note.text == text))]
        response = flask.jsonify(
            notes=found,
            query=flask.request.args.getlist("q"),
            cookie=flask.request.cookies.get("a"),
            client=flask.request.remote_addr,
            state="once",
        )
        response.set_cookie("seen", "1")
        return response

    @app.get("/picture")
    def picture() -> Any:
        return flask.Response(b"\xff\xd8", mimetype="image/jpeg")

    @app.get("/broken")
    def broken() -> str:
        raise ZeroDivisionError("a secret detail")

    return app


@pytest.fixture(scope="module", params=ENGINES)
def migrated(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[Database]:
    """A migrated database, on each engine in turn; the environment holds AWS credentials."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        set_aws_environment(monkeypatch)
        database = new_database(request.param)
        run({}, database.environment())
        yield database


@pytest.fixture(params=[fastapi_application, flask_application])
def web(request: pytest.FixtureRequest, migrated: Database) -> Iterator[Client]:
    """Return each framework's application, on a database whose tables are empty."""
    rows(migrated, "DELETE FROM notes")
    client = Client(Application(web=web_application(request.param()), database_routes=True), migrated.environment())
    yield client
    client.close()


HTTP = {"method": "GET", "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"}


def send(client: Client, method: str, path: str, body: Any = None, **event: Any) -> Answer:
    """Send a request as a function URL does, with what frameworks read of it."""
    raw = path.partition("?")[0]
    context = {"http": {**HTTP, "method": method, "path": raw}}
    headers = {"host": "a.lambda-url.eu-west-1.on.aws", "content-type": "application/json"}
    return client.http(method, path, body, requestContext=context, headers=headers, **event)


def test_a_framework_answers_the_function_url(web: Client, migrated: Database) -> None:
    """Whoever knows FastAPI or Flask has a service, with the ORM, on each engine."""
    made = send(web, "POST", "/notes", {"text": "J\u00fcrgen M"})
    assert (made.status, made.body["text"]) == (201, "J\u00fcrgen M")
    assert rows(migrated, "SELECT text FROM notes") == [("J\u00fcrgen M",)]
    found = send(web, "GET", "/notes/J%C3%BCrgen%20M?q=1&q=%20", cookies=["a=b=c", "d=e"])
    assert (found.status, found.body) == (
        200,
        {"notes": ["J\u00fcrgen M"], "query": ["1", " "], "cookie": "b=c", "client": "192.0.2.1", "state": "once"},
    )
    assert found.cookies[0].startswith("seen=1")
    picture = send(web, "GET", "/picture")
    assert (picture.status, picture.body, picture.headers["Content-Type"]) == (200, b"\xff\xd8", "image/jpeg")
    assert send(web, "GET", "/missing").status == 404


def test_the_database_routes_stand_beside_a_framework(web: Client, migrated: Database) -> None:
    """The check after a deployment is the same, whatever answers the rest."""
    answer = send(web, "POST", "/init")
    assert (answer.status, answer.body["schema"]) == (200, migrated.name)


@pytest.mark.parametrize("framework", ["fastapi", "flask"])
def test_a_frameworks_own_route_wins(framework: str) -> None:
    """A service that has an `/info` of its own would lose it under a signed URL, and keep it under a public one."""
    app = FastAPI() if framework == "fastapi" else flask.Flask(__name__)
    app.get("/info")(info)
    nowhere = {"DATABASE_URL": "postgres://a:b@127.0.0.1:1/c"}
    client = Client(Application(web=web_application(app), database_routes=True), nowhere)
    assert send(client, "GET", "/info").body == {"info": "mine"}
    assert send(client, "GET", "/init").error == (405, "GET is not allowed here; POST is")
    assert send(client, "GET", "/missing").status == 404


def info() -> dict[str, str]:
    """Answer a route of one's own."""
    return {"info": "mine"}


def test_an_applications_own_answer_to_a_database_error_stays(web: Client) -> None:
    """A duplicate is a 409 where the application says so."""
    note = {"id": str(uuid4()), "text": "a"}
    assert send(web, "POST", "/notes", note).status == 201
    answer = send(web, "POST", "/notes", note)
    assert (answer.status, answer.body) == (409, {"detail": "there already"})
    # And is not taken for the cause of what happens next.
    assert send(web, "GET", "/broken").status == 500


@pytest.mark.parametrize("make", [fastapi_application, flask_application])
def test_a_missing_schema_means_the_same_in_a_framework(make: Callable[[], Any], migrated: Database) -> None:
    """503 with the remedy, not the framework's page for a fault in the code."""
    behind = replace(migrated, name="postgres" if migrated.engine != "mysql" else "mysql")
    client = Client(Application(web=web_application(make())), behind.environment())
    answer = send(client, "GET", "/notes/a")
    assert answer.error == (503, "The database schema is not there yet: run `aurora-lambda migrate`")
    client.close()


def test_a_fault_of_the_code_is_the_frameworks_to_answer(web: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Its own page, and the trace in the log."""
    with caplog.at_level(logging.ERROR):
        answer = send(web, "GET", "/broken")
    assert answer.status == 500
    assert any(record.exc_info and record.exc_info[0] is ZeroDivisionError for record in caplog.records)


def test_a_session_left_open_gives_its_connection_back(web: Client) -> None:
    """An environment has one connection: the next request would wait for it in vain."""
    for _ in range(3):
        assert send(web, "GET", "/notes/a").status == 200


@pytest.mark.parametrize("make", [fastapi_application, flask_application])
def test_a_database_that_is_away_means_the_same_in_a_framework(make: Callable[[], Any]) -> None:
    """503 with Retry-After: clients know that it is worth another try."""
    nowhere = {"DATABASE_URL": "postgres://nobody:secret@127.0.0.1:1/nothing"}
    client = Client(Application(web=web_application(make())), nowhere)
    answer = send(client, "GET", "/notes/a", context=Context(remaining=3000))
    assert answer.error == (503, "The database is not available yet; try again in a minute")
    assert answer.headers["Retry-After"] == "60"


def test_a_lifespan_begins_once() -> None:
    """A model loaded or a pool opened with each request would take its time each time."""
    STARTS.clear()
    client = Client(
        Application(web=web_application(fastapi_application())), {"DATABASE_URL": "postgres://a:b@127.0.0.1:1/c"}
    )
    assert [send(client, "GET", "/picture").status for _ in range(3)] == [200, 200, 200]
    assert STARTS == ["started"]


def litestar_application() -> Litestar:
    """Return an application of Litestar."""

    @get("/hello/{name:str}")
    async def hello(name: FromPath[str]) -> dict[str, str]:
        return {"hello": name}

    return Litestar([hello])


def django_application() -> ASGIHandler:
    """Return an application of Django."""
    view = path("hello/<str:name>", lambda _request, name: JsonResponse({"hello": name}))
    django_settings.configure(ROOT_URLCONF=(view,), ALLOWED_HOSTS=["*"], SECRET_KEY="none", LOGGING_CONFIG=None)
    import django  # noqa: PLC0415

    django.setup()
    return ASGIHandler()


def made_with(framework: str) -> tuple[Any, Any]:
    """Return an application without routes, and the class of its answers."""
    return (FastAPI(), Response) if framework == "fastapi" else (flask.Flask(__name__), flask.Response)


def client_of(app: Any) -> Client:
    """Return a client of an application that uses no database."""
    return Client(Application(web=web_application(app)), {"DATABASE_URL": "postgres://a:b@127.0.0.1:1/c"})


@pytest.mark.parametrize("framework", ["fastapi", "flask"])
def test_text_may_be_in_any_encoding(framework: str) -> None:
    """A table for a spreadsheet that takes no UTF-8 would be a 500."""
    app, answer_class = made_with(framework)

    @app.get("/table")
    def table() -> Any:
        return answer_class("Z\u00fcrich".encode("latin-1"), headers={"Content-Type": "text/csv; charset=latin-1"})

    answer = send(client_of(app), "GET", "/table")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/csv; charset=latin-1")
    assert answer.body == b"Z\xfcrich"


@pytest.mark.parametrize("framework", ["fastapi", "flask"])
def test_headers_and_cookies_may_be_sent_twice(framework: str) -> None:
    """A cache that never sees `Vary: Cookie`, which came before another, would hand one user's page to the next."""
    app, answer_class = made_with(framework)

    @app.get("/page")
    def page() -> Any:
        response = answer_class("page", headers={"Content-Type": "text/plain"})
        add = response.headers.append if framework == "fastapi" else response.headers.add
        for name, value in (("Vary", "Cookie"), ("Set-Cookie", "a=1"), ("Vary", "Origin"), ("Set-Cookie", "b=2")):
            add(name, value)
        return response

    answer = send(client_of(app), "GET", "/page")
    assert (answer.headers["Vary"], answer.cookies) == ("Cookie,Origin", ["a=1", "b=2"])


@pytest.mark.parametrize("make", [litestar_application, django_application])
def test_any_other_framework_serves_as_well(make: Callable[[], Any]) -> None:
    """The door is ASGI and WSGI, not two frameworks."""
    answer = send(client_of(make()), "GET", "/hello/J%C3%BCrgen")
    assert (answer.status, answer.body) == (200, {"hello": "J\u00fcrgen"})
