"""The Analytics service. Every request and every answer is validated against ONVIF's schemas by ``Client``."""

from __future__ import annotations

import pytest

from connectors.onvif.device.calls import Access
from connectors.onvif.device.services import analytics, media2
from connectors.onvif.device.xml import TAN
from connectors.protocols.onvif_metadata import OBJECT_TYPES
from tests.connectors.onvif.device.services.media_support import (
    NO_CONFIG,
    Client,
    a_channel,
    a_device,
    attributes,
    texts,
)
from tests.connectors.onvif.schemas import validate

pytestmark = pytest.mark.shared_data

TOKEN = "<p:ConfigurationToken>cam-0</p:ConfigurationToken>"
BY_CONFIGURATION = ["GetSupportedAnalyticsModules", "GetAnalyticsModules", "GetSupportedRules", "GetRules"]


def client() -> Client:
    return Client(analytics.operations(a_device(a_channel(0, None))), "tan")


def test_every_operation_of_the_table_is_there_and_only_capabilities_need_no_login() -> None:
    asked = client()
    assert set(asked.operations) == {"GetServiceCapabilities", "GetSupportedMetadata", *BY_CONFIGURATION}
    assert {operation.namespace for operation in asked.operations.values()} == {TAN}
    open_ones = [name for name, operation in asked.operations.items() if operation.access is Access.PRE_AUTH]
    assert open_ones == ["GetServiceCapabilities"]


def test_neither_rules_nor_modules_are_promised_to_be_creatable() -> None:
    capabilities = analytics.capabilities(a_device())
    validate(capabilities)
    assert capabilities.get("RuleSupport") == "false"
    assert capabilities.get("AnalyticsModuleSupport") == "false"
    assert capabilities.get("SupportedMetadata") == "true"
    assert client().ask("GetServiceCapabilities")[0].attrib == capabilities.attrib


@pytest.mark.parametrize("operation", BY_CONFIGURATION)
def test_what_is_asked_of_an_unknown_configuration_is_refused(operation: str) -> None:
    asked = client()
    asked.ask(operation, TOKEN)
    assert asked.refused(operation, "<p:ConfigurationToken>x</p:ConfigurationToken>") == NO_CONFIG


def test_the_one_module_is_fixed_and_the_same_everywhere() -> None:
    asked = client()
    modules = asked.ask("GetAnalyticsModules", TOKEN)
    supported = asked.ask("GetSupportedAnalyticsModules", TOKEN)
    listed = Client(media2.operations(a_device(a_channel(0, None))), "tr2").ask("GetAnalyticsConfigurations")
    kinds = attributes(modules, "tan:AnalyticsModule", "Type")
    assert kinds == attributes(supported, ".//tt:AnalyticsModuleDescription", "Name")
    assert kinds == attributes(listed, ".//tt:AnalyticsModule", "Type")
    assert attributes(supported, ".//tt:AnalyticsModuleDescription", "fixed") == ["true"]
    for answer in (modules, supported, listed):
        assert "urn:vigie:onvif:analytics" in {found.nsmap.get("vigie") for found in answer.iter()}


def test_rules_are_told_by_topics_only() -> None:
    asked = client()
    assert len(asked.ask("GetRules", TOKEN)) == 0
    assert len(asked.ask("GetSupportedRules", TOKEN)[0]) == 0


def test_the_sample_frame_has_an_object_of_each_class_that_is_sent() -> None:
    answer = client().ask("GetSupportedMetadata")
    assert attributes(answer, "*/tan:SampleFrame", "UtcTime")
    assert set(texts(answer, ".//tt:Class/tt:Type")) == set(OBJECT_TYPES.values())


@pytest.mark.parametrize(("asked_for", "modules"), [("vigie:ObjectAnalytics", 1), ("tt:ObjectAnalytics", 0), ("x", 0)])
def test_metadata_of_one_module_type_can_be_asked_for(asked_for: str, modules: int) -> None:
    assert len(client().ask("GetSupportedMetadata", f"<p:Type>{asked_for}</p:Type>")) == modules
