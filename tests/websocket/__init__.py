"""WebSocket: peers that are not ours, and bytes made by hand."""
