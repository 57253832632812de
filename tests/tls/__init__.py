"""TLS on both sides: ALPN, handshakes, certificates, tunnels, last bytes."""
