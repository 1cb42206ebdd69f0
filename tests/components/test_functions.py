"""The functions that a program adds to its service."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from aurora_lambda import AuroraDatabase, LambdaImage, Migration
from aurora_lambda.function_url import FunctionUrlCors
from aurora_lambda.service import Service
from aurora_lambda.service.function_options import FunctionOptions
from tests.components.conftest import Stack
from tests.components.engine_destroy import destroy, position
from tests.components.recording import CONTEXT, MIGRATED, Recording, json_logs, record, statements
from tests.components.tokens import (
    ALARM,
    CLUSTER,
    EVENT_INVOKE_CONFIG,
    FUNCTION,
    FUNCTION_URL,
    IMAGE,
    INVOCATION,
    LOG_GROUP,
    MAPPING,
    QUEUE,
    ROLE,
    ROLE_POLICY,
    SCHEDULE,
    SECURITY_GROUP,
    TABLE,
)

EXISTING_VPC = {"vpcId": "vpc-0a", "subnetIds": '["subnet-1", "subnet-2"]'}
READ = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::reports/*"]}
CLICKS = json.dumps([{"name": "count-clicks", "table": "clicks"}])
ITEM_ACTIONS = [
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
]
ENGINES: list[dict[str, str]] = [{}, {"engine": "dsql"}, {"engine": "dsql", **EXISTING_VPC}]


def added(config: dict[str, str] | None = None, **options: Any) -> Recording:
    """Record the service with a scheduled function `purge-old`."""

    def program() -> None:
        Service().schedule("purge-old", "rate(1 hour)", **options)

    return record(program, config)


def extend_with_table(service: Service) -> None:
    """Let the handler use the table whose stream feeds a function."""
    service.extend_handler(access=[service.table("clicks").access])


def refused(add: Callable[[Service], object], config: dict[str, str] | None = None) -> str:
    """Return the message with which the service refuses what the program adds."""
    recording = Recording()
    with pytest.raises(pulumi.RunError) as error:
        record(lambda: add(Service()), config, recording=recording)
    assert {CLUSTER, SECURITY_GROUP} & {entry.type for entry in recording.registrations} == set()
    return str(error.value)


@pytest.mark.parametrize("config", ENGINES)
def test_a_scheduled_function_has_the_handlers_image_and_database(config: dict[str, str]) -> None:
    """A purge would run older code than the handler, or find no database."""
    recording = added(config)
    handler, function = (recording.inputs(FUNCTION, name) for name in ("handler", "purge-old"))
    variables = handler["environment"]["variables"]
    del variables["AURORA_LAMBDA_DATABASE_ROUTES"]
    assert variables["SQL_MAIN_DB_REVISION"] == MIGRATED["after"]
    name = "purge-old"
    assert function == {
        **handler,
        "timeout": 60,
        "role": recording.output(ROLE, name, "arn"),
        "environment": {"variables": {**variables, "AURORA_LAMBDA_COMMAND": "purge_old"}},
        "loggingConfig": json_logs("/aws/lambda/aurora-lambda/dev/purge-old"),
        "tags": {"project": "aurora-lambda", "stack": "dev", "Name": name},
    }
    own, theirs = (recording.inputs(ROLE_POLICY, each)["policy"] for each in (name, "handler"))
    assert own == theirs.replace("dev/handler", "dev/purge-old")
    assert recording.inputs(LOG_GROUP, name)["retentionInDays"] == 30
    schedule = recording.inputs(SCHEDULE, name)
    assert schedule["scheduleExpression"] == "rate(1 hour)"
    assert schedule["target"]["arn"] == recording.outputs["purgeOldLambdaArn"]
    assert recording.outputs["purgeOldLambdaName"] == recording.output(FUNCTION, name, "name")


def test_an_option_that_is_none_is_not_given() -> None:
    """`timeout=config.get_int("timeout")`, without the key, would end a function after 15 s, not 60."""

    def program(**options: Any) -> None:
        service = Service()
        service.function("report", **options)
        service.schedule("purge", "rate(1 hour)", **options)
        service.queue("mails", **options)

    nothing = dict.fromkeys(FunctionOptions.__annotations__)
    plain, with_none = (
        {entry.urn: entry.inputs for entry in record(lambda options=options: program(**options)).registrations}
        for options in ({}, nothing)
    )
    assert with_none == plain


def test_a_function_runs_the_command_that_it_is_given() -> None:
    """Whoever invokes it with no payload would run the handler's first command."""

    def program() -> None:
        service = Service()
        service.function("report", command="report")
        service.function("plain")

    recording = record(program)
    variables = {name: recording.inputs(FUNCTION, name)["environment"]["variables"] for name in ("report", "plain")}
    assert {name: given.get("AURORA_LAMBDA_COMMAND") for name, given in variables.items()} == {
        "report": "report",
        "plain": None,
    }
    assert recording.of_type(SCHEDULE) == []


def test_a_function_may_run_an_image_of_another_language() -> None:
    """Whoever writes one function in Node would wire its role, network and alarms by hand, or run it in Python."""
    uri = "repository@sha256:0a1b"

    def program() -> None:
        service = Service()
        service.function("web", image_uri=uri)
        service.queue("mail", image_uri=uri)
        service.queue("letters", handler="index.letters", image_uri=uri)

    recording = record(program)
    made = {name: recording.inputs(FUNCTION, name) for name in ("web", "mail", "letters")}
    assert {each["imageUri"] for each in made.values()} == {uri}
    assert {name: each.get("imageConfig") for name, each in made.items()} == {
        "web": None,
        "mail": None,
        "letters": {"commands": ["index.letters"]},
    }
    assert made["web"]["environment"]["variables"]["SQL_MAIN_DB_REVISION"] == MIGRATED["after"]


def test_a_function_may_have_a_url_of_its_own() -> None:
    """One made by the program itself would be of $LATEST: no rollback reaches it, and no alarm tells of its 5xx."""
    cors: FunctionUrlCors = {"allow_origins": ["https://example.com"]}

    def program() -> None:
        Service().function("back-office", url_auth_type="AWS_IAM", cors=cors)

    recording = record(program, {"alarmEmail": "a@example.com"})
    url = recording.inputs(FUNCTION_URL, "back-office")
    assert (url["qualifier"], url["authorizationType"]) == ("live", "AWS_IAM")
    assert url["cors"]["allowOrigins"] == ["https://example.com"]
    assert recording.outputs["backOfficeUrl"] == recording.output(FUNCTION_URL, "back-office", "functionUrl")
    assert recording.inputs(ALARM, "back-office-5xx")["metricName"] == "Url5xxCount"


def test_everything_a_function_needs_can_be_said() -> None:
    """A program that calls other services would have to leave the service and write it all itself."""
    access = {
        "environment": {"TABLE": "t"},
        "policy_statements": [READ],
        "subnet_ids": [],
        "security_group_ids": [],
    }
    own = {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": ["arn:aws:s3:::reports/*"]}
    recording = added(
        environment={"BUCKET": pulumi.Output.from_input("reports")},
        policy_statements=[own],
        access=[access],
        memory_size=1024,
        timeout=300,
        reserved_concurrency=2,
        transform={"function": {"ephemeral_storage": {"size": 1024}}},
    )
    function = recording.inputs(FUNCTION, "purge-old")
    variables = function["environment"]["variables"]
    assert (variables["BUCKET"], variables["TABLE"], variables["AURORA_LAMBDA_COMMAND"]) == (
        "reports",
        "t",
        "purge_old",
    )
    assert (function["memorySize"], function["timeout"], function["reservedConcurrentExecutions"]) == (1024, 300, 2)
    assert function["ephemeralStorage"] == {"size": 1024}
    assert statements(recording, "purge-old")[-2:] == [READ, own]


def test_the_handler_is_given_more(stack: Stack) -> None:
    """A handler that sends mail or reads a bucket would be a fork of the composition."""

    def program() -> None:
        service = Service()
        bucket = pulumi.Output.from_input("reports")
        service.extend_handler(environment={"BUCKET": bucket}, policy_statements=[READ])

    plain, extended = stack(), record(program)
    before, after = plain.inputs(FUNCTION, "handler"), extended.inputs(FUNCTION, "handler")
    before["environment"]["variables"]["BUCKET"] = "reports"
    assert after == before
    assert statements(extended, "handler") == [*statements(plain, "handler"), READ]


def test_on_dsql_the_runner_learns_of_every_functions_role() -> None:
    """A function that the program adds would be refused by the database, with the next deployment or never."""

    def program() -> None:
        service = Service()
        service.schedule("purge", "rate(1 hour)")
        service.function("report")

    recording = record(program, {"engine": "dsql"})
    runner = recording.inputs(FUNCTION, "migrations")["environment"]["variables"]
    roles = [recording.output(ROLE, name, "arn") for name in ("handler", "purge", "report")]
    assert runner["SQL_MAIN_DB_RUNTIME_ROLE_ARN"].split() == roles
    assert recording.resource(INVOCATION, "migrations").urn in recording.resource(FUNCTION, "report").dependencies


@pytest.mark.parametrize("config", [{}, {"engine": "dsql", **EXISTING_VPC}])
def test_a_functions_right_to_delete_its_interfaces_outlives_the_network(config: dict[str, str]) -> None:
    """Network interfaces would stay for ever, and hold the subnets and the VPC."""
    recording = added(config)
    order = position(recording)
    network = order[SECURITY_GROUP, "network-functions"]
    assert order[FUNCTION, "purge-old"] < network < order[ROLE_POLICY, "purge-old-network"] < order[ROLE, "purge-old"]


def test_a_function_that_is_in_the_network_without_the_database_has_that_right_too() -> None:
    """Its network interfaces would stay for ever, and hold the subnets and the VPC."""

    def program() -> None:
        service = Service()
        assert service.network is not None
        service.queue("inside", database=False, access=[service.network.access])
        service.queue("outside", database=False)

    recording = record(program)
    order = position(recording)
    network = order[SECURITY_GROUP, "network-functions"]
    assert order[FUNCTION, "inside"] < network < order[ROLE_POLICY, "inside-network"] < order[ROLE, "inside"]
    assert "outside-network" not in recording.of_type(ROLE_POLICY)


@pytest.mark.parametrize("engine", ["mysql", "dsql"])
def test_a_protected_stack_keeps_its_functions_and_schedules(engine: str) -> None:
    """`pulumi destroy --skip-preview` would delete them before it meets the protected database."""
    recording = added({"deletionProtection": "true", "engine": engine})
    guard = recording.resource("aurora-lambda:stacks:Protection", "protection")
    assert destroy(recording) == ([], [guard.urn])
    mine = {entry.urn for entry in recording.registrations if not entry.type.startswith("aurora-lambda:")}
    assert set(guard.dependencies) == mine


def test_with_nothing_added_nothing_changes(stack: Stack) -> None:
    """A stack that is up would see its functions change for no reason."""

    def program() -> None:
        Service().extend_handler()

    before, after = stack(), record(program)
    assert {entry.urn: entry for entry in before.registrations} == {entry.urn: entry for entry in after.registrations}


def test_what_comes_too_late_is_refused_with_where_it_belongs() -> None:
    """On DSQL the database would refuse the function, and its interfaces outlive the network's deletion."""

    async def program() -> None:
        service = Service()
        await asyncio.sleep(0.1)
        service.function("report")

    message = (
        "^function 'report' comes too late: the network and the database wait for the roles of all functions. Add it"
        r" right after Service\(\), before the program awaits anything and outside of apply$"
    )
    with pytest.raises(RuntimeError, match=message):
        record(program)


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (
            lambda s: s.function("handler"),
            "function 'handler' has the name of a function that is a part of every service",
        ),
        (
            lambda s: s.function("migration-runner"),
            "function 'migration-runner' has the name of a function that is a part of every service",
        ),
        (
            lambda s: s.function("copy-items"),
            "function 'copy-items' has the name of a function that is fed by a stream of the stack's file",
        ),
        (
            lambda s: [s.function("report"), s.schedule("report", "rate(1 day)")],
            "function 'report' has the name of a function that is added before",
        ),
        (
            lambda s: s.function("Report"),
            "a function's name is 'Report'; must be at most 32 lower-case letters, digits and hyphens",
        ),
        (
            lambda s: s.function("report", memory=512),
            "function 'report' has no option 'memory'; available: environment, policy_statements, access, image_uri,"
            " memory_size, timeout, reserved_concurrency, url_auth_type, cors, keep_failed_events,"
            " maximum_retry_attempts, maximum_event_age_in_seconds, transform",
        ),
        (
            lambda s: [s.function("report", reserved_concurrency=60), s.function("purge", reserved_concurrency=10)],
            "function 'purge': a concurrency of 10 is more than the 8 connections that mysql with maxCapacity 2 has"
            " left beside the other functions",
        ),
    ],
)
def test_a_wrong_function_is_refused_before_the_database_is_made(
    add: Callable[[Service], object], message: str
) -> None:
    """A mistake in the program's last line would cost the ten minutes and the money that a cluster takes."""
    config = {"handlerConcurrency": "10", "streams": '[{"name": "copy-items", "table": "items", "concurrency": 2}]'}
    assert refused(add, config) == message


def test_a_function_runs_an_image_of_the_program_that_is_for_its_processor() -> None:
    """Each start of the function would end with an exec format error."""

    def add(architecture: str) -> None:
        service = Service()
        image = LambdaImage(
            "web",
            {
                "context": str(CONTEXT),
                "dockerfile": str(CONTEXT / "Dockerfile"),
                "target": "handler",
                "architecture": architecture,
            },
        )
        service.function("web", image_uri=image)

    config = {"engine": "dsql", "architecture": "x86_64"}
    recording = record(lambda: add("x86_64"), config)
    assert recording.inputs(FUNCTION, "web")["imageUri"] == recording.output(IMAGE, "web", "repoDigest")
    with pytest.raises(pulumi.RunError) as error:
        record(lambda: add("arm64"), config, preview=True)
    assert str(error.value) == (
        "function 'web' runs on x86_64, and its image 'web' is built for arm64: give the LambdaImage the architecture"
        " service.settings.architecture"
    )


def test_commands_need_a_database() -> None:
    """A function without a database would fail at its first invocation."""
    config = {"engine": "none", "streams": '[{"name": "copy", "table": "items", "database": false}]'}
    message = "function 'report' runs commands, which use the database, and engine is none"
    assert refused(lambda service: service.function("report"), config) == message


@pytest.mark.parametrize("config", ENGINES)
def test_a_queues_function_gets_its_messages_and_the_database(config: dict[str, str]) -> None:
    """Work that the handler puts off would never be done, or without the database it is for."""

    def program() -> None:
        Service().queue("mail-out", batch_size=5, max_receive_count=3, memory_size=512)

    recording = record(program, config)
    handler, function = (recording.inputs(FUNCTION, name) for name in ("handler", "mail-out"))
    variables = handler["environment"]["variables"]
    del variables["AURORA_LAMBDA_DATABASE_ROUTES"]
    assert function == {
        **handler,
        "imageConfig": {"commands": ["application.queues.mail_out.process"]},
        "timeout": 60,
        "memorySize": 512,
        "role": recording.output(ROLE, "mail-out", "arn"),
        "environment": {"variables": variables},
        "loggingConfig": json_logs("/aws/lambda/aurora-lambda/dev/mail-out"),
        "tags": {"project": "aurora-lambda", "stack": "dev", "Name": "mail-out"},
    }
    queue = recording.resource(QUEUE, "mail-out")
    assert (queue.inputs["visibilityTimeoutSeconds"], queue.retain_on_delete) == (360, True)
    assert json.loads(queue.inputs["redrivePolicy"])["maxReceiveCount"] == 3
    mapping = recording.inputs(MAPPING, "mail-out")
    assert (mapping["functionName"], mapping["batchSize"]) == (recording.outputs["mailOutLambdaArn"], 5)
    assert recording.outputs["mailOutQueueUrl"] == recording.output(QUEUE, "mail-out", "url")
    runner = recording.inputs(FUNCTION, "migrations")["environment"]["variables"]
    roles = runner.get("SQL_MAIN_DB_RUNTIME_ROLE_ARN", "").split()
    assert roles == ([recording.output(ROLE, name, "arn") for name in ("handler", "mail-out")] if config else [])


def test_the_stacks_key_and_its_word_on_data_count_for_queues_too() -> None:
    """Messages would be encrypted by another key than the company's rules say, or stay where everything else goes."""
    key = "arn:aws:kms:eu-west-1:123456789012:key/0a1b"
    recording = record(lambda: Service().queue("mail"), {"engine": "dsql", "kmsKeyArn": key, "forceDestroy": "true"})
    for name in ("mail", "mail-dead-letters"):
        queue = recording.resource(QUEUE, name)
        assert (queue.inputs["kmsMasterKeyId"], queue.retain_on_delete) == (key, False)


def test_other_functions_send_to_a_queue() -> None:
    """The handler could not put work off."""

    def program() -> None:
        service = Service()
        mail = service.queue("mail", handler="application.mail.send", database=False)
        service.extend_handler(access=[mail.sender])
        service.function("report", access=[mail.sender])

    recording = record(program, {"engine": "dsql"})
    url, arn = (recording.output(QUEUE, "mail", key) for key in ("url", "arn"))
    for name in ("handler", "report"):
        assert recording.inputs(FUNCTION, name)["environment"]["variables"]["QUEUE_MAIL_URL"] == url
        document = json.loads(recording.inputs(ROLE_POLICY, name)["policy"])
        send = {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [arn]}
        assert document["Statement"][-1] == send
    function = recording.inputs(FUNCTION, "mail")
    assert function["imageConfig"] == {"commands": ["application.mail.send"]}
    assert "environment" not in function or function["environment"] == {"variables": {}}
    runner = recording.inputs(FUNCTION, "migrations")["environment"]["variables"]
    roles = [recording.output(ROLE, name, "arn") for name in ("handler", "report")]
    assert runner["SQL_MAIN_DB_RUNTIME_ROLE_ARN"].split() == roles


def test_a_queue_works_without_any_database() -> None:
    """A stack of streams alone could have no queues."""
    config = {"engine": "none", "streams": '[{"name": "copy", "table": "items", "database": false}]'}
    recording = record(lambda: Service().queue("mail", database=False), config)
    assert recording.of_type(QUEUE) == ["mail", "mail-dead-letters"]
    message = "function 'mail' uses the database, and engine is none: say database=False"
    assert refused(lambda service: service.queue("mail"), config) == message


def test_a_sender_without_a_way_to_sqs_is_refused_with_the_key_to_set() -> None:
    """The handler would wait for SQS until its time is up, on AWS alone."""

    def from_handler(service: Service) -> None:
        service.extend_handler(access=[service.queue("mail").sender])

    def from_function(service: Service) -> None:
        service.function("report", access=[service.queue("mail").sender])

    for name, add in (("handler", from_handler), ("report", from_function)):
        assert refused(add) == (
            f"function {name!r} sends to a queue, and its subnets have no way there. "
            "Type: pulumi config set --path 'endpoints[0]' sqs (7 to 8 USD a month)"
        )
    for config in ({"endpoints": '["sqs"]'}, EXISTING_VPC, {"engine": "dsql"}):
        recording = record(lambda: from_handler(Service()), config)
        assert "QUEUE_MAIL_URL" in recording.inputs(FUNCTION, "handler")["environment"]["variables"]


def test_a_function_uses_a_table_whose_stream_feeds_another_one() -> None:
    """A program would write the table's name and rights by hand, and a renamed table would leave them behind."""
    config = {"engine": "dsql", "streams": CLICKS}
    recording = record(lambda: extend_with_table(Service()), config)
    table = "aurora-lambda-dev-clicks"
    assert recording.inputs(FUNCTION, "handler")["environment"]["variables"]["TABLE_CLICKS_NAME"] == table
    arn = recording.output(TABLE, table, "arn")
    given = [each for each in statements(recording, "handler") if each["Resource"] == [arn, f"{arn}/index/*"]]
    assert given == [{"Effect": "Allow", "Action": ITEM_ACTIONS, "Resource": [arn, f"{arn}/index/*"]}]


def test_a_function_that_uses_a_table_it_cannot_reach_is_refused_with_the_key_to_set() -> None:
    """The handler would wait for DynamoDB until its time is up, on AWS alone."""
    assert refused(extend_with_table, {"streams": CLICKS, "endpoints": '["s3"]'}) == (
        "function 'handler' uses a DynamoDB table, and its subnets have no way there. "
        "Type: pulumi config set --path 'endpoints[1]' dynamodb (free)"
    )


def test_all_that_a_function_cannot_reach_is_said_at_once() -> None:
    """Each further key would cost another run, on AWS one of minutes."""

    def add(service: Service) -> None:
        service.extend_handler(access=[service.queue("mail").sender, service.table("clicks").access])

    assert refused(add, {"streams": CLICKS}) == (
        "function 'handler' uses a DynamoDB table and sends to a queue, and its subnets have no way there. "
        "Type: pulumi config set --path 'endpoints[0]' dynamodb (free)\n"
        "pulumi config set --path 'endpoints[1]' sqs (7 to 8 USD a month)"
    )


def test_a_function_reaches_a_table_by_its_endpoint() -> None:
    """Nobody could use a table beside Aurora."""
    reached = record(lambda: extend_with_table(Service()), {"streams": CLICKS, "endpoints": '["dynamodb"]'})
    assert "TABLE_CLICKS_NAME" in reached.inputs(FUNCTION, "handler")["environment"]["variables"]


def test_a_table_that_no_stream_reads_is_refused_with_those_that_are() -> None:
    """A misspelt name would end in a traceback."""
    assert refused(lambda service: service.table("orders"), {"streams": CLICKS}) == (
        "no stream reads a table 'orders'; available: clicks"
    )


def test_functions_without_the_database_send_from_outside_of_the_vpc() -> None:
    """A queue that feeds another one would need an endpoint for nothing."""

    def program() -> None:
        service = Service()
        service.queue("first", database=False, access=[service.queue("second").sender])

    assert "vpcConfig" not in record(program).inputs(FUNCTION, "first")


@pytest.mark.parametrize(("published", "qualifier"), [("true", {"qualifier": "live"}), ("false", {})])
def test_what_a_schedule_fails_on_for_good_is_kept_and_told(published: str, qualifier: dict[str, str]) -> None:
    """A nightly job could fail for weeks before somebody misses what it does."""
    config = {"alarmTopicArn": "arn:aws:sns:eu-west-1:123456789012:told", "publishVersions": published}
    recording = record(
        lambda: Service().schedule("purge", "rate(1 day)", maximum_retry_attempts=1), {"engine": "dsql", **config}
    )
    tags = {"project": "aurora-lambda", "stack": "dev", "Name": "purge-failed-events"}
    queue = "purge-failed-events"
    assert recording.inputs(QUEUE, queue) == {
        "messageRetentionSeconds": 14 * 86_400,
        "sqsManagedSseEnabled": True,
        "tags": tags,
    }
    arn = recording.output(QUEUE, queue, "arn")
    assert recording.inputs(EVENT_INVOKE_CONFIG, "purge") == {
        "functionName": recording.output(FUNCTION, "purge", "name"),
        **qualifier,
        "maximumRetryAttempts": 1,
        "maximumEventAgeInSeconds": 21_600,
        "destinationConfig": {"onFailure": {"destination": arn}},
    }
    policy = recording.resource(ROLE_POLICY, queue)
    assert policy.inputs["role"] == recording.output(ROLE, "purge", "name")
    assert json.loads(policy.inputs["policy"])["Statement"] == [
        {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [arn]}
    ]
    assert policy.urn in recording.resource(EVENT_INVOKE_CONFIG, "purge").dependencies
    assert recording.inputs(ALARM, queue)["dimensions"] == {"QueueName": recording.output(QUEUE, queue, "name")}


def test_only_what_nobody_waits_for_has_a_queue_for_failures() -> None:
    """Functions that are called by somebody, or read a queue or a stream, would have one more than they use."""
    recording = record(lambda: [(service := Service()).function("report"), service.queue("mail")], {"streams": CLICKS})
    assert recording.of_type(EVENT_INVOKE_CONFIG) == []
    assert recording.of_type(QUEUE) == ["mail", "mail-dead-letters"]


def test_added_functions_are_fenced_watched_and_traced_as_the_others_are() -> None:
    """An account that lets nobody make an unfenced role would refuse the stack, or a function fail unseen."""
    boundary = "arn:aws:iam::123456789012:policy/fence"
    config = {"rolePath": "/team/", "permissionsBoundary": boundary, "alarmEmail": "a@example.com", "tracing": "true"}

    def program() -> None:
        service = Service()
        service.schedule("purge", "rate(1 hour)")
        service.queue("mail", timeout=30)

    recording = record(program, config)
    for name in ("purge", "purge-schedule", "mail"):
        role = recording.inputs(ROLE, name)
        assert (role["path"], role["permissionsBoundary"]) == ("/team/", boundary)
    topic = recording.inputs(ALARM, "mail-dead-letters")["alarmActions"]
    for name in ("purge", "mail"):
        assert recording.inputs(FUNCTION, name)["tracingConfig"] == {"mode": "Active"}
        dimension = {"FunctionName": recording.output(FUNCTION, name, "name")}
        watching = [each.inputs for each in recording.registrations if each.inputs.get("dimensions") == dimension]
        assert watching
        assert all(each["alarmActions"] == topic for each in watching)


def test_a_function_may_use_a_second_database_of_the_program() -> None:
    """A program with an audit log apart from its data would be two stacks."""

    def program() -> None:
        service = Service()
        network = service.network
        assert network
        audit = AuroraDatabase(
            "audit",
            {
                "engine": "postgres",
                "vpc_id": network.vpc_id,
                "subnet_ids": network.subnet_ids,
                "function_security_group_id": network.function_security_group_id,
            },
        )
        Migration("audit-migrations", {"image_uri": "audit@sha256:0", "access": [audit.admin]})
        service.queue("audit", database=False, access=[audit.runtime])

    recording = record(program)
    databases = {
        name: {key for key in recording.inputs(FUNCTION, name)["environment"]["variables"] if key.endswith("_ENDPOINT")}
        for name in ("handler", "migrations", "audit", "audit-migrations")
    }
    main, second = {"SQL_MAIN_DB_ENDPOINT"}, {"SQL_AUDIT_ENDPOINT"}
    assert databases == {"handler": main, "migrations": main, "audit": second, "audit-migrations": second}
