"""The Core API on asyncio: sessions and streams over the engine."""
