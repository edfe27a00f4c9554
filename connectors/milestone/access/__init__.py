"""Getting in: sessions, tokens, addresses and the two ways of asking, REST and SOAP."""
