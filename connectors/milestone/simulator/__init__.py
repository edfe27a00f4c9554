"""A simulated XProtect site: what ``vigie simulate xprotect`` runs.

Written from public protocol material alone, and without a line shared with the connector beside it, so that the two
check each other. Where the material does not say what XProtect does, the simulator takes the stricter reading, and
the docstring says *unverified*. ``docs/simulators-xprotect.md`` lists what is simulated.

``simulator`` puts it together from ``site`` (what there is) and one package for each duty: ``gateway`` with ``web``,
``idp``, ``config`` and ``soap`` behind it, ``recorder``, ``events``, ``alarms``, ``marks``, ``media``.
"""
