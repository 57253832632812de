"""The command ``http2``, in processes of its own, with curl as the client."""
