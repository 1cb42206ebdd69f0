"""The console: pages on the stack that is up here, for a browser on this machine.

Flask and its Jinja are there already, with moto's server; nothing else is installed for it.
"""
