"""The program that `pulumi up` runs."""

from stacks.service import deploy

deploy()
