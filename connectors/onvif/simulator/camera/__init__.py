"""A simulated VMS bridge that speaks ONVIF: what ``vigie simulate onvif-camera`` runs.

Several cameras behind one ONVIF service, as Milestone's Open Network Bridge offers those of an XProtect site. Written from
public protocol material alone (ONVIF's schemas and the research notes), without a line shared with the client or the
device of this connector, so that they check each other. Where the material leaves things open the simulator takes the
stricter reading and the docstring says *unverified*. ``docs/simulators-onvif.md`` lists what is simulated.

``simulator`` puts it together: ``site`` (what there is), ``port`` (SOAP and snapshots on one web port) with ``login`` and
the services ``device``, ``media2``, ``media`` and ``events``, ``streams`` (RTSP) with ``feed``, and ``acts``.
"""
