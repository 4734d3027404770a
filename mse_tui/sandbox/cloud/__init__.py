"""The practice organisation's cloud: tokens, Microsoft Graph's directory, Exchange Online's Admin API."""
