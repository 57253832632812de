"""The command ``http2``, in separate processes, with curl as the client."""
