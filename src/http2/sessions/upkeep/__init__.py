"""The periodic work of a session: deadlines, keep-alive, growth of the receive windows."""
