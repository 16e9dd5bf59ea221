"""RabbitMQ, over AMQP and through its management API; what both share is here."""
