"""The program that `pulumi up` runs."""

from aurora_lambda.service.stack import deploy

deploy()
