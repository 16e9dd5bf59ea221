"""What lies between an exchange and the queues: read, followed, checked, compared."""
