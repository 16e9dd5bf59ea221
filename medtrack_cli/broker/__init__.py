"""The only package that imports pika: connection, publisher, consumer, private broker."""
