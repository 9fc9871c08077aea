"""The loop: poll, work a slice, report, sweep, schedule. Plain async functions over a ``Runtime``, no Dramatiq in them."""
