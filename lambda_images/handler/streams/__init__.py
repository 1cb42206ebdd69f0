"""Functions that are fed by a DynamoDB table's stream: one decorator, and the record it hands over."""

from lambda_images.handler.streams.attributes import Item, Value
from lambda_images.handler.streams.batches import batch_handler, stream_handler
from lambda_images.handler.streams.records import EventName, StreamRecord

__all__ = ["EventName", "Item", "StreamRecord", "Value", "batch_handler", "stream_handler"]
