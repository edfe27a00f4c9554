"""A simulated XProtect site: what ``vigie simulate xprotect`` runs.

Written from public protocol material alone, and without a line shared with the connector beside it, so that the two
check each other. Where the material does not say what XProtect does, the simulator takes the stricter reading, and
the docstring says *unverified*. ``docs/simulators-xprotect.md`` lists what is simulated.
"""
