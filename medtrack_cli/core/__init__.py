"""The use cases, with no printing, sleeping, opening of files, or AMQP of their own."""
