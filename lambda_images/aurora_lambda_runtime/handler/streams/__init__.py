"""Functions that are fed by a DynamoDB table's stream: one decorator, and the record it hands over."""

from aurora_lambda_runtime.handler.streams.attributes import Item, Value
from aurora_lambda_runtime.handler.streams.batches import batch_handler, stream_handler
from aurora_lambda_runtime.handler.streams.records import EventName, StreamRecord

__all__ = ["EventName", "Item", "StreamRecord", "Value", "batch_handler", "stream_handler"]
