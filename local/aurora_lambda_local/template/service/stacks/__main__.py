"""The program that `pulumi up` and `aurora-lambda up` run: this service. Other resources go below it."""

from aurora_lambda.service import Service

service = Service()
