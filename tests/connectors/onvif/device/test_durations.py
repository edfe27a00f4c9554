import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.onvif.device.durations import parse_duration, parse_termination


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT60S", 60),
        (" PT1M ", 60),
        ("PT0S", 0),
        ("PT1.5S", 1.5),
        ("PT1H30M", 5400),
        ("P1D", 86_400),
        ("P1DT1S", 86_401),
        ("P1Y2M", 365 * 86_400 + 60 * 86_400),
        ("-PT5S", -5),
    ],
)
def test_a_duration_is_read_as_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "60", "PT60", "PT5S3M", "P1DT", "PT-5S", "PT٣S", "PT" + "9" * 400 + "S"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        parse_duration(text)


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        parse_termination(text, 0.0)
    except ValueError:
        return


@pytest.mark.parametrize(
    "text", ["2023-11-14T22:14:20Z", "2023-11-14T22:14:20.000Z", "PT1M", "2023-11-14T23:14:20+01:00"]
)
def test_a_termination_time_may_be_a_moment_or_a_span(text: str) -> None:
    assert parse_termination(text, 1_700_000_000.0) == 60.0
