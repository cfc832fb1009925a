"""What happens on a connection, decided without a socket, a clock or a task: inputs in, commands out."""
