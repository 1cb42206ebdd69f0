"""Pulumi's tokens of the types of resources that more than one module knows."""

ALIAS = "aws:lambda/alias:Alias"
CLUSTER = "aws:rds/cluster:Cluster"
FUNCTION = "aws:lambda/function:Function"
FUNCTION_URL = "aws:lambda/functionUrl:FunctionUrl"
IMAGE = "docker:index/image:Image"
INVOCATION = "aws:lambda/invocation:Invocation"
TABLE = "aws:dynamodb/table:Table"
