"""Logins: the identity provider, Windows accounts, and both kinds of token."""
