"""A project of its own, small and quick, for the supervisor to run: one database, one image, one function."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from aurora_lambda.image import LambdaImage

ROOT = Path(__file__).parents[2]
PACKAGES = ("awslambdaric", "simplejson", "snapshot-restore-py")
HANDLER = """
import json, os, sys, time

def lambda_handler(event, context):
    match event.get("do"):
        case "raise":
            raise ValueError("out of cheese")
        case "sleep":
            time.sleep(event["seconds"])
        case "exit":
            os._exit(3)
        case "print":
            sys.stdout.write("x" * event["bytes"] + "\\n")
        case "answer":
            return "y" * event["bytes"]
        case "environment":
            return dict(os.environ)
        case "context":
            return {
                "request": context.aws_request_id,
                "arn": context.invoked_function_arn,
                "memory": context.memory_limit_in_mb,
                "milliseconds": context.get_remaining_time_in_millis(),
                "client": context.client_context and context.client_context.custom,
            }
        case "url":
            return event
        case "child":
            import subprocess
            child = subprocess.Popen(["sleep", "600"], start_new_session=True)
            with open(event["path"], "w") as file:
                file.write(str(child.pid))
        case "pid":
            return os.getpid()
    if "Records" in event:
        print("event", [record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]])
        poison = os.environ.get("POISON") or None
        failed = [each["dynamodb"] for each in event["Records"] if each["dynamodb"]["Keys"]["id"]["S"] == poison]
        return {"batchItemFailures": [{"itemIdentifier": each["SequenceNumber"]} for each in failed[:1]]}
    if event.get("version") == "2.0":
        return {"statusCode": 201, "body": event["rawPath"], "cookies": ["a=b"]}
    return {"greeting": os.environ.get("GREETING", "hello"), "event": event}
"""


def write(folder: Path, environments: Path) -> Path:
    """Lay the project down in `folder`; packages are installed in `environments`, which projects may share."""
    code = folder / "code"
    for each in (code / "application", folder / "stacks", folder / ".local"):
        each.mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text("name: shop\nmain: stacks\nstackConfigDir: stacks\n")
    (folder / "stacks" / "Pulumi.local.yaml").write_text("config:\n  aws:region: eu-west-1\n  shop:engine: postgres\n")
    (folder / "stacks" / "Pulumi.other.yaml").write_text("config:\n  shop:engine: postgres\n")
    (code / "application" / "app.py").write_text(HANDLER)
    (code / "requirements.txt").write_text(requirements())
    (code / "Dockerfile").write_text('FROM scratch AS base\nFROM base AS hello\nCMD ["app.lambda_handler"]\n')
    (code / ".dockerignore").write_text("Dockerfile\n.dockerignore\n**/__pycache__\n")
    (folder / ".local" / "environments").symlink_to(environments)
    return folder


def requirements() -> str:
    """Return the runtime client and its requirements, from the handler image's hashed requirements."""
    lines, keep = [], False
    for line in (ROOT / "lambda_images" / "requirements" / "handler.txt").read_text().splitlines():
        if not line.startswith(" "):
            keep = line.partition("=")[0] in PACKAGES
        lines += [line] if keep else []
    return "\n".join(lines) + "\n"


def program(
    *,
    queue: bool = True,
    environment: Mapping[str, str] | None = None,
    event: Mapping[str, object] | None = None,
    timeout: int = 60,
    reachable: bool = True,
    concurrency: int | None = None,
    publish: bool = False,
) -> None:
    """Register the project's resources."""
    image = LambdaImage("hello", {"context": "../code", "dockerfile": "../code/Dockerfile", "target": "hello"})
    functions, database = (aws.ec2.SecurityGroup(name) for name in ("functions", "database"))
    parameters = aws.rds.ClusterParameterGroup(
        "db",
        family="aurora-postgresql17",
        parameters=[
            {"name": "idle_session_timeout", "value": "60000"},
            {"name": "rds.force_ssl", "value": "1"},
        ],
    )
    cluster = aws.rds.Cluster(
        "db",
        engine="aurora-postgresql",
        master_username="boss",
        manage_master_user_password=True,
        port=5432,
        db_cluster_parameter_group_name=parameters.name,
        vpc_security_group_ids=[database.id],
    )
    if reachable:
        rule: dict[str, Any] = {"ip_protocol": "tcp", "from_port": 5432, "to_port": 5432}
        aws.vpc.SecurityGroupIngressRule(
            "in", security_group_id=database.id, referenced_security_group_id=functions.id, **rule
        )
        aws.vpc.SecurityGroupEgressRule(
            "out", security_group_id=functions.id, referenced_security_group_id=database.id, **rule
        )
    if queue:
        aws.sqs.Queue("letters")
    function = aws.lambda_.Function(
        "hello",
        package_type="Image",
        image_uri=image.image_uri,
        role="arn:aws:iam::123456789012:role/hello",
        timeout=timeout,
        memory_size=256,
        reserved_concurrent_executions=concurrency,
        environment={"variables": {"CLUSTER": cluster.arn, **(environment or {})}},
        vpc_config={"subnet_ids": ["subnet-1"], "security_group_ids": [functions.id]},
        publish=publish,
    )
    if publish:
        aws.lambda_.Alias("hello", name="live", function_name=function.name, function_version=function.version)
    url = aws.lambda_.FunctionUrl("hello", function_name=function.name, authorization_type="NONE")
    greeting = aws.lambda_.Invocation("greet", function_name=function.name, input=json.dumps(event or {"name": "you"}))
    pulumi.export("engine", "postgres")
    pulumi.export("greeting", greeting.result)
    pulumi.export("url", url.function_url)
    pulumi.export("port", cluster.port)
    pulumi.export("password", pulumi.Output.secret("hush"))
