"""RabbitMQ's management API, over HTTP."""
