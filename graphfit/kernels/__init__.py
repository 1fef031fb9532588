"""Numbers only: functions of arrays, without names, models or files."""
