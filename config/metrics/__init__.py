"""What Kith tells of itself: numbers for Prometheus at /metrics, and traces for OpenTelemetry where that is set."""
