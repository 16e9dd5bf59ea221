"""What stands between an exchange and the queues: read, followed, judged, compared."""
