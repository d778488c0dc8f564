"""The portal with real providers, a real browser, a real proxy: each test walks from the door to a page."""
