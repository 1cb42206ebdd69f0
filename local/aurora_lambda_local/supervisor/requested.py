"""A resource as the program asks for it, compared with what was made of it before."""

from aurora_lambda_local.resources.context import Resource, StackContext
from aurora_lambda_local.resources.outputs import resource_outputs
from aurora_lambda_local.resources.providers import EXTRA_INPUTS, PROVIDERS
from aurora_lambda_local.resources.state import value_digest
from aurora_lambda_local.supervisor.messages import ResourceRequest


def requested_resource(context: StackContext, request: ResourceRequest) -> Resource:
    """Return the resource with the id and the outputs that AWS would give it."""
    identifier, outputs = resource_outputs(request["type"], request["name"], request["inputs"], context.region)
    return Resource(**request, id=identifier, outputs=outputs)


def resource_digests(context: StackContext, resource: Resource) -> tuple[str, str]:
    """Return a digest of a resource's inputs, and one of everything else that it is made from."""
    further_inputs = EXTRA_INPUTS.get(resource.type)
    return value_digest(resource.inputs), value_digest(further_inputs(context, resource)) if further_inputs else ""


def is_unchanged(context: StackContext, resource: Resource) -> bool:
    """Return whether what was made of a resource before was made from the same."""
    record = context.records.get(resource.urn)
    return record is not None and (record.digest, record.further_digest) == resource_digests(context, resource)


def runs(context: StackContext, resource: Resource) -> bool:
    """Return whether what was made of a resource still works; one that is only recorded does."""
    running = context.running_resources.get(resource.urn)
    return resource.type not in PROVIDERS or (running is not None and running.alive())
