"""Spans of OpenTelemetry: where the time of searches goes, for a collector or in a file."""
