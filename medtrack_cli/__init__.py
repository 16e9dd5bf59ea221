"""The command line for MedTrack's events on RabbitMQ."""

__version__ = "0.1.0"
