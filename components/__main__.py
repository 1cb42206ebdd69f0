"""The plugin, as the Pulumi engine starts it."""

from aurora_lambda.plugin import serve

serve()
