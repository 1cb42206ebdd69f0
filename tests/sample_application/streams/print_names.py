"""Print the names of new items; no database is needed."""

from aurora_lambda_runtime.handler.streams import StreamRecord, stream_handler


@stream_handler
def process(record: StreamRecord) -> None:
    """Print the name of one item, which has to have one."""
    print((record.new_image or {})["name"])
