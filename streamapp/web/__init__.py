"""The room of pages: one aiohttp server, each path as a page and as JSON."""
