"""The program that `pulumi up` runs: this service, whose own code is the application that pyproject.toml names."""

from aurora_lambda.service import Service

Service()
