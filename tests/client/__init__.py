"""Clients: connecting, requests, responses, and requests that wait."""
