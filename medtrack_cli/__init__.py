"""The command line for MedTrack's events on RabbitMQ."""

__version__ = "1.0.0"
