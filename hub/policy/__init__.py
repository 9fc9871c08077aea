"""What holds for every call of every connector, one place each: classification, retry, rate limit, circuit breaker."""
