"""The recording server: ImageServer and SOAP on one port, its recordings and its failures."""
