"""Lambda on this machine: functions, execution environments, the Invoke API, function URLs and logs."""
