"""RabbitMQ over AMQP, with pika."""
