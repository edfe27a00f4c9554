"""A Security Center that answers as public sources say: Web SDK, event stream and Media Gateway video.

What public sources do not say is marked "unverified" where it is written; docs/simulators-security-center.md lists it.
"""
