"""What a stream is like before anybody relies on it: ``vigie probe``."""
