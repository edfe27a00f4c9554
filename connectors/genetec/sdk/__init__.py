"""Security Center by Genetec's .NET SDK, hosted in a child process."""
