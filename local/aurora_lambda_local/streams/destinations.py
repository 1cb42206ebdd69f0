"""Buckets, queues and topics inside moto, where the documents of failures go."""

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.exceptions import ServiceException
from moto.s3.models import S3Backend, s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import Message, Queue, SQSBackend, sqs_backends

from aurora_lambda_local.streams.store import StoredFailure, StreamStore


def is_bucket(arn: str) -> bool:
    """Return whether a destination is a bucket, which gets the whole records."""
    return arn.startswith("arn:aws:s3:::")


def buckets() -> S3Backend:
    """Return moto's S3."""
    return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]


def queues(region: str) -> SQSBackend:
    """Return moto's SQS of a region."""
    return sqs_backends[DEFAULT_ACCOUNT_ID][region]


def messages(queue: Queue | None) -> dict[str, Message]:
    """Return the messages of a queue by their ids, those in work too; none where there is no queue."""
    return {each.id: each for each in [*queue.messages, *queue.pending_messages]} if queue else {}


def ensure_bucket(name: str, region: str) -> None:
    """Make a bucket unless it exists."""
    if name not in buckets().buckets:
        buckets().create_bucket(name, region)


def ensure_queue(name: str, region: str) -> None:
    """Make a queue unless it exists."""
    if name not in queues(region).queues:
        queues(region).create_queue(name)


def remove_bucket(name: str) -> None:
    """Remove a bucket with all its objects."""
    buckets().buckets.pop(name, None)
    s3_backends.bucket_accounts.pop(name, None)


def deliver(store: StreamStore) -> None:
    """Put every failure that is not there yet into its destination, which is made where it is missing."""
    # One at a time, so that no failure is delivered twice.
    with store.transaction():
        for failure in store.failures(delivered=False):
            _deliver(store, failure)


def _deliver(store: StreamStore, failure: StoredFailure) -> None:
    *_, service, region, _, name = failure.destination.split(":")
    match service:
        case "s3":
            ensure_bucket(name, region)
            buckets().put_object(name, failure.key, failure.document.encode())
            store.mark_delivered(failure.id, failure.key)
        case "sqs":
            ensure_queue(name, region)
            message = queues(region).send_message(name, failure.document)
            store.mark_delivered(failure.id, str(message.id))
        case _:
            topics = sns_backends[DEFAULT_ACCOUNT_ID][region]
            topics.create_topic(name)
            topics.publish(failure.document, failure.destination)
            store.delete_failures([failure.id])


def forget_removed(store: StreamStore) -> None:
    """Forget the failures that somebody has removed from their bucket or queue."""
    if removed := [failure.id for failure in store.failures(delivered=True) if not _holds(failure)]:
        store.delete_failures(removed)


def forget_all() -> None:
    """Remove all buckets, queues and topics from moto; the failures that were kept stay."""
    for backends in (s3_backends, sqs_backends, sns_backends):
        for backend in list(backends[DEFAULT_ACCOUNT_ID].values()):
            backend.reset()


def _holds(failure: StoredFailure) -> bool:
    *_, service, region, _, name = failure.destination.split(":")
    try:
        if service == "s3":
            return buckets().get_object(name, failure.key) is not None
    except ServiceException:
        return False
    return failure.key in messages(queues(region).queues.get(name))
