"""The .NET side, and the only package that touches .NET: Genetec's SDK by pythonnet, in the child process.

Facts are those of Genetec's public samples. Unverified on a real system is everything marked [U], and that all of it
works under pythonnet as it does against stub assemblies. Rules that keep it from freezing or dying: no blocking
*property* (``Task.Result`` keeps Python's lock, so log-on is by events); every handler is wrapped, as an exception that
leaves one ends the process; handlers only convert and enqueue; types whose namespace is not public are looked up by
their simple name.
"""
