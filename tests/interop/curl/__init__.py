"""Tests with curl, and with tools that do similar requests."""
