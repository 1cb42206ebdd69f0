"""The program that `pulumi up` and `aurora-lambda up` run: this service."""

from aurora_lambda.service import deploy

deploy()
