from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from config.load import SettingsProblems, load_rules, load_site
from config.model import Kinds, RuleSettings, SiteSettings, State
from tests.config.kinds import KINDS, CrossingSettings, PresenceSettings, RecorderSettings

pytestmark = pytest.mark.slow

SITE = """\
version: 1
site: {name: Gare, timezone: Europe/Paris}
schedules:
  nuit:
    - {from: "22:00", to: "06:00"}
vms:
  - id: rec
    type: recorder
    url: https://vms.site.local
    username: vigie
    password: {secret: rec}
cameras:
  - id: quai-1
    vms: rec
    device: 6d2b1f5e-0000-4000-8000-000000000001
    rules:
      - id: voie
        type: presence
        zone: [[0.3, 0.2], [0.8, 0.2], [0.8, 1.0]]
        dwell_s: 2
        schedule: nuit
"""

SECRET = "Hunter2-Zz9"
SECRET_LINE = (
    "must say where the secret is found, never the secret itself. "
    "Write {secret: name}, {env: NAME} or {file: path}; docs/settings.md says where the value goes."
)
IDENTIFIER = "must be 1 to 64 letters, digits, dots, dashes or underscores, starting with a letter or digit"
PICTURE = "[[0, 0], [1, 0], [1, 1]]"


@pytest.fixture(autouse=True)
def _in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def site_of(text: str, kinds: Kinds = KINDS) -> SiteSettings:
    path = Path("site.yaml")
    path.write_text(text, encoding="utf-8")
    return load_site(path, kinds)


def lines_of(text: str) -> list[str]:
    with pytest.raises(SettingsProblems) as caught:
        site_of(text)
    return [problem.text() for problem in caught.value.problems]


def test_a_good_file_is_typed_by_its_kinds() -> None:
    site = site_of(SITE)
    assert isinstance(site.vms[0], RecorderSettings)
    rule = site.cameras[0].rules[0]
    assert isinstance(rule, PresenceSettings)
    assert (rule.dwell_s, rule.schedule, rule.state) == (2.0, "nuit", State.ARMED)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "version: 1",
            "version: 2",
            (
                "site.yaml:1: version: this Vigie reads version 1 of the settings (got 2). "
                "Install the Vigie that this file was written for, or write the file anew."
            ),
        ),
        ("version: 1\n", "", "site.yaml:1: version: is missing. Add 'version:'. Version of this file's form."),
        ("name: Gare", "name: 12", "site.yaml:2: site.name: must be text (got 12). Put it in quotes: '12'."),
        ("name: Gare", "name: true", "site.yaml:2: site.name: must be text (got true). Put it in quotes: 'true'."),
        ("name: Gare, ", "", "site.yaml:2: site.name: is missing. Add 'name:'. What people call it."),
        (
            "Europe/Paris",
            "Paris",
            "site.yaml:2: site.timezone: unknown time zone 'Paris'; write an IANA name such as Europe/Paris",
        ),
        ("{name: Gare,", "{name: Gare, language: de,", "site.yaml:2: site.language: must be one of fr, en (got 'de')"),
        ('"22:00"', "25:00", "site.yaml:5: schedules.nuit[0].from: must be a time of day such as 22:00 (got '25:00')"),
        ('"22:00"', "1320", "site.yaml:5: schedules.nuit[0].from: must be a time of day such as 22:00 (got 1320)"),
        (
            '{from: "22:00"',
            '{days: [lundi], from: "22:00"',
            "site.yaml:5: schedules.nuit[0].days[0]: must be one of mon, tue, wed, thu, fri, sat, sun (got 'lundi')",
        ),
        ("  nuit:\n", "  nuit: []\n  'a b':\n", "site.yaml:4: schedules.nuit: must have at least 1 entry (has 0)"),
        ("  nuit:\n", "  nuit: [{}]\n  a b:\n", f"site.yaml:5: schedules.a b: {IDENTIFIER} (got 'a b')"),
        ("id: rec", "id: rec 1", f"site.yaml:7: vms[0].id: {IDENTIFIER} (got 'rec 1')"),
        (
            "type: recorder",
            "type: recordr",
            (
                "site.yaml:8: vms[0].type: is not a known VMS type (got 'recordr'). "
                "Did you mean 'recorder'? Known: recorder."
            ),
        ),
        (
            "    type: recorder\n",
            "",
            "site.yaml:7: vms[0].type: is missing. Add 'type:'. Which connector: milestone, genetec, onvif …",
        ),
        (
            "type: recorder",
            "type: [a]",
            "site.yaml:8: vms[0].type: is not a known VMS type (got a list). Known: recorder.",
        ),
        (
            "username: vigie",
            "video: imagserver\n    username: vigie",
            (
                "site.yaml:10: vms[0].video: must be one of imageserver, vps (got 'imagserver'). "
                "Did you mean 'imageserver'?"
            ),
        ),
        (
            "username: vigie",
            "usrname: vigie\n    username: x",
            "site.yaml:10: vms[0].usrname: is not a known key. Did you mean 'username'?",
        ),
        (
            "username: vigie",
            "zzz: 1\n    username: x",
            (
                "site.yaml:10: vms[0].zzz: is not a known key. Known keys: alarm, application_id, ca, certificate, control, id, "
                "max_age_h, password, publish, timeout_s, type, url, username, video."
            ),
        ),
        (
            "username: vigie",
            "alarm: zzz\n    username: x",
            "site.yaml:10: vms[0].alarm: must be a GUID such as 6d2b1f5e-0000-4000-8000-000000000001 (got 'zzz')",
        ),
        (
            "username: vigie",
            "timeout_s: 0\n    username: x",
            "site.yaml:10: vms[0].timeout_s: must be more than 0 (got 0)",
        ),
        (
            "username: vigie",
            "timeout_s: .inf\n    username: x",
            "site.yaml:10: vms[0].timeout_s: must be a number (got inf)",
        ),
        ("username: vigie", "username:", "site.yaml:10: vms[0].username: must be text (got nothing)"),
        (
            "username: vigie",
            "publish: event\n    username: x",
            "site.yaml:10: vms[0].publish: must be a list (got 'event')",
        ),
        ("dwell_s: 2", "dwell_s: two", "site.yaml:20: cameras[0].rules[0].dwell_s: must be a number (got 'two')"),
        (
            "dwell_s: 2",
            "dwel_s: 2",
            "site.yaml:20: cameras[0].rules[0].dwel_s: is not a known key. Did you mean 'dwell_s'?",
        ),
        (
            "dwell_s: 2",
            "state: on",
            "site.yaml:20: cameras[0].rules[0].state: must be one of off, observe, armed (got 'on')",
        ),
        ("dwell_s: 2", "min_size: 1.5", "site.yaml:20: cameras[0].rules[0].min_size: must be at most 1 (got 1.5)"),
        ("dwell_s: 2", "cooldown_s: -1", "site.yaml:20: cameras[0].rules[0].cooldown_s: must be at least 0 (got -1)"),
        (
            "dwell_s: 2",
            "min_size: 0.5\n        max_size: 0.4",
            "site.yaml:17: cameras[0].rules[0]: min_size is above max_size: no object could count",
        ),
        ("[0.3, 0.2]", "[0.3]", "site.yaml:19: cameras[0].rules[0].zone[0][1]: needs a value number 2"),
        (
            "[0.3, 0.2]",
            "[0.3, 0.2, 1]",
            "site.yaml:19: cameras[0].rules[0].zone[0]: must have at most 2 entries (has 3)",
        ),
        ("[0.3, 0.2]", "[30, 0.2]", "site.yaml:19: cameras[0].rules[0].zone[0][0]: must be at most 1 (got 30)"),
        (", [0.8, 1.0]]", "]", "site.yaml:19: cameras[0].rules[0].zone: must have at least 3 entries (has 2)"),
        (
            "[[0.3, 0.2], [0.8, 0.2], [0.8, 1.0]]",
            "[[0, 0], [1, 1], [0, 1], [1, 0]]",
            (
                "site.yaml:19: cameras[0].rules[0].zone: the zone crosses itself between (0.0, 0.0)-(1.0, 1.0) and "
                "(0.0, 1.0)-(1.0, 0.0); draw its corners in order"
            ),
        ),
        (
            "[[0.3, 0.2], [0.8, 0.2], [0.8, 1.0]]",
            "here",
            "site.yaml:19: cameras[0].rules[0].zone: must be a list (got 'here')",
        ),
        (
            "        zone: [[0.3, 0.2], [0.8, 0.2], [0.8, 1.0]]\n",
            "",
            "site.yaml:17: cameras[0].rules[0].zone: is missing. Add 'zone:'. Where objects must not be.",
        ),
        (
            "schedule: nuit",
            "schedule: nuits",
            (
                "site.yaml:21: cameras[0].rules[0].schedule: 'nuits' is not declared under 'schedules'. "
                "Did you mean 'nuit'? Declared: nuit."
            ),
        ),
        (
            "cameras:",
            "    control: [{event: Nuit, state: 'off', cameras: [quai-2]}]\ncameras:",
            (
                "site.yaml:12: vms[0].control[0].cameras[0]: nothing of this VMS is called 'quai-2'. "
                "Did you mean 'quai-1'? Known there: quai-1."
            ),
        ),
        (
            "cameras:",
            "    control: [{event: Nuit, state: 'off', rules: [voies]}]\ncameras:",
            (
                "site.yaml:12: vms[0].control[0].rules[0]: nothing of this VMS is called 'voies'. "
                "Did you mean 'voie'? Known there: voie."
            ),
        ),
        (
            "    vms: rec",
            "    vms: other",
            "site.yaml:14: cameras[0].vms: 'other' is not declared under 'vms'. Declared: rec.",
        ),
        (
            "device: 6d2b1f5e-0000-4000-8000-000000000001",
            "device: ''",
            "site.yaml:15: cameras[0].device: must not be empty",
        ),
        (
            "    device:",
            "    enabled: maybe\n    device:",
            "site.yaml:15: cameras[0].enabled: must be true or false (got 'maybe')",
        ),
        (
            "    device:",
            "    analysis: 5\n    device:",
            "site.yaml:15: cameras[0].analysis: must be a group of 'key: value' lines (got 5)",
        ),
        (
            "    device:",
            "    analysis: {fps: 31}\n    device:",
            "site.yaml:15: cameras[0].analysis.fps: must be at most 30 (got 31)",
        ),
        ("schedules:", "workers: 1.5\nschedules:", "site.yaml:3: workers: must be a whole number (got 1.5)"),
        ("schedules:", "camera: []\nschedules:", "site.yaml:3: camera: is not a known key. Did you mean 'cameras'?"),
        ("schedules:", "schedules: 5\nx:", "site.yaml:3: schedules: must be a group of 'key: value' lines (got 5)"),
        (
            "schedules:",
            "storage: {dir: 5}\nschedules:",
            "site.yaml:3: storage.dir: must be text (got 5). Put it in quotes: '5'.",
        ),
        (
            "schedules:",
            "storage: {url: 'postgresql://vigie:Hunter2-Zz9@db/vigie'}\nschedules:",
            "site.yaml:3: storage.url: must not hold a password; leave it out",
        ),
        (
            "https://vms.site.local",
            f"https://u:{SECRET}@vms",
            "site.yaml:9: vms[0].url: must not hold a password; leave it out",
        ),
        ("https://vms.site.local", "'https://[::1'", "site.yaml:9: vms[0].url: is not a valid address"),
    ],
)
def test_each_mistake_is_told_in_one_line(old: str, new: str, expected: str) -> None:
    assert old in SITE
    assert expected in lines_of(SITE.replace(old, new, 1))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (SECRET, f"site.yaml:11: vms[0].password: {SECRET_LINE}"),
        ("12345678", f"site.yaml:11: vms[0].password: {SECRET_LINE}"),
        (f"[{SECRET}]", f"site.yaml:11: vms[0].password: {SECRET_LINE}"),
        (f"{{value: {SECRET}}}", f"site.yaml:11: vms[0].password: {SECRET_LINE}"),
        (f"{{{SECRET}}}", f"site.yaml:11: vms[0].password: {SECRET_LINE}"),
        (f"{{secret: [{SECRET}]}}", "site.yaml:11: vms[0].password.secret: must be text"),
        ("{secret: 12345678}", "site.yaml:11: vms[0].password.secret: must be text"),
        ("{file: {12345678: x}}", "site.yaml:11: vms[0].password.file: must be text"),
        (
            "{secret: a, env: B}",
            "site.yaml:11: vms[0].password: write exactly one of {secret: name}, {env: NAME} or {file: path}",
        ),
        ("{}", "site.yaml:11: vms[0].password: write exactly one of {secret: name}, {env: NAME} or {file: path}"),
        (f"{{secret: rec}}\n    application_id: {SECRET}", f"site.yaml:12: vms[0].application_id: {SECRET_LINE}"),
        (
            f"{{secret: rec}}\n    pasword: {SECRET}",
            "site.yaml:12: vms[0].pasword: is not a known key. Did you mean 'password'?",
        ),
    ],
)
def test_a_secret_in_clear_is_refused_and_never_repeated(written: str, expected: str) -> None:
    lines = lines_of(SITE.replace("{secret: rec}", written))
    assert lines == [expected]
    assert SECRET not in "".join(lines)
    assert "12345678" not in "".join(lines)


def test_all_problems_of_a_file_are_told_at_once_in_its_order() -> None:
    second_camera = f"""\
  - id: quai-1
    vms: recc
    device: 6D2B1F5E-0000-4000-8000-000000000001
    rules:
      - {{id: voie, type: presence, zone: {PICTURE}, dwell_s: x}}
      - {{id: voie, type: presense, zone: {PICTURE}}}
      - 5
  - id: quai-3
    vms: rec
    device: 6D2B1F5E00004000-8000000000000001
"""
    text = SITE.replace("name: Gare", "name: 1").replace("version: 1\n", "version: 1\nversion: 1\n") + second_camera
    assert lines_of(text) == [
        "site.yaml:2: version: is written twice, first in line 1. Keep one of them.",
        "site.yaml:3: site.name: must be text (got 1). Put it in quotes: '1'.",
        (
            "site.yaml:23: cameras[1].id: 'quai-1' is already the id of the camera in line 14. "
            "Give each camera an id of its own."
        ),
        "site.yaml:24: cameras[1].vms: 'recc' is not declared under 'vms'. Did you mean 'rec'? Declared: rec.",
        "site.yaml:27: cameras[1].rules[0].dwell_s: must be a number (got 'x')",
        (
            "site.yaml:28: cameras[1].rules[1].id: 'voie' is already the id of the rule in line 27. "
            "Give each rule an id of its own."
        ),
        (
            "site.yaml:28: cameras[1].rules[1].type: is not a known rule type (got 'presense'). "
            "Did you mean 'presence'? Known: crossing, presence."
        ),
        "site.yaml:29: cameras[1].rules[2]: must be a group of 'key: value' lines (got 5)",
        (
            "site.yaml:32: cameras[2].device: the camera in line 16 is the same device of 'rec'. "
            "Put all its rules under one camera."
        ),
    ]


def test_two_vms_of_one_id_are_a_problem_even_in_an_otherwise_good_file() -> None:
    twin = "  - {id: rec, type: recorder, url: https://b, username: u, password: {env: B}}\ncameras:"
    assert lines_of(SITE.replace("cameras:", twin)) == [
        "site.yaml:12: vms[1].id: 'rec' is already the id of the VMS in line 7. Give each VMS an id of its own."
    ]


def test_two_rules_of_one_id_are_told_once_with_both_lines() -> None:
    text = SITE + f"      - {{id: voie, type: presence, zone: {PICTURE}}}\n"
    assert lines_of(text) == [
        (
            "site.yaml:22: cameras[0].rules[1].id: 'voie' is already the id of the rule in line 17. "
            "Give each rule an id of its own."
        )
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a\n", ["site.yaml:1: must be a group of 'key: value' lines (got a list)"]),
        ("hello\n", ["site.yaml:1: must be a group of 'key: value' lines (got 'hello')"]),
        (
            "version: 1\nsite: {name: A}\nvms: []\n",
            ["site.yaml:3: vms: must have at least 1 entry (has 0)"],
        ),
        ("version: 1\nsite: {name: A}\nvms:\ncameras: [5]\n", None),
        ("version: 1\nsite:\nvms: {a: b}\ncameras: {a: b}\nschedules: [1]\n", None),
    ],
)
def test_malformed_documents_are_problems_too(text: str, expected: list[str] | None) -> None:
    lines = lines_of(text)
    assert expected is None or lines == expected


def test_a_long_value_is_shortened() -> None:
    (line,) = lines_of(SITE.replace("dwell_s: 2", f"dwell_s: {'x' * 500}"))
    assert line.endswith("x…)")
    assert len(line) < 150


def test_a_value_with_a_line_end_stays_on_one_line() -> None:
    (line,) = lines_of(SITE.replace("dwell_s: 2", 'dwell_s: "a\\nb"'))
    assert line.endswith("(got 'a\\nb')")


def test_a_bare_off_disarms() -> None:
    assert site_of(SITE.replace("dwell_s: 2", "state: off")).cameras[0].rules[0].state is State.OFF


def test_times_need_no_quotes_and_a_day_may_end_at_24() -> None:
    (window,) = site_of(SITE.replace('{from: "22:00", to: "06:00"}', "{from: 22:00, to: 24:00}")).schedules["nuit"]
    assert (window.from_.isoformat(), window.to.isoformat()) == ("22:00:00", "00:00:00")


def test_relative_paths_start_at_the_folder_of_the_site_file(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    absolute = (tmp_path / "elsewhere" / "key").resolve()
    text = (
        SITE.replace("password: {secret: rec}", "password: {file: pw}\n    ca: certs/ca.pem\n    certificate: c.pem")
        .replace("schedules:", "analysis: {detector: models/a.onnx, density_model: models/c.onnx}\nschedules:")
        .replace("    rules:", f"    analysis: {{detector: '{absolute.as_posix()}.onnx'}}\n    rules:")
    )
    (folder / "site.yaml").write_text(text, encoding="utf-8")
    site = load_site(Path("etc") / "site.yaml", KINDS)
    folder = folder.resolve()
    vms = site.vms[0]
    assert isinstance(vms, RecorderSettings)
    assert (vms.ca, vms.certificate, vms.password.file) == (folder / "certs/ca.pem", folder / "c.pem", folder / "pw")
    assert site.storage.dir == folder / "var"
    assert site.analysis.detector == str(folder / "models/a.onnx")
    assert site.analysis.density_model == folder / "models/c.onnx"
    assert site.cameras[0].analysis is not None
    assert Path(site.cameras[0].analysis.detector) == Path(f"{absolute}.onnx")


def test_the_built_in_detector_is_not_a_path() -> None:
    assert site_of(SITE).analysis.detector == "motion"


def test_a_guid_of_a_kind_is_typed() -> None:
    guid = "6d2b1f5e-0000-4000-8000-000000000009"
    vms = site_of(SITE.replace("username: vigie", f"username: vigie\n    alarm: {guid}")).vms[0]
    assert isinstance(vms, RecorderSettings)
    assert vms.alarm == UUID(guid)


def test_a_hundred_cameras_load() -> None:
    more = "".join(
        f"  - {{id: c{i}, vms: rec, device: d{i}, rules: [{{id: r, type: presence, zone: {PICTURE}}}]}}\n"
        for i in range(100)
    )
    assert len(site_of(SITE + more).cameras) == 101


def rules_of(text: str) -> tuple[RuleSettings, ...]:
    path = Path("rules.yaml")
    path.write_text(text, encoding="utf-8")
    return load_rules(path, KINDS)


def test_a_rule_file_holds_rules_as_in_a_camera_without_their_schedule() -> None:
    first, second = rules_of(
        f"rules:\n  - {{id: a, type: presence, zone: {PICTURE}, schedule: nuit}}\n"
        "  - {id: b, type: crossing, line: [[0, 0], [1, 1]], direction: to_left}\n"
    )
    assert isinstance(first, PresenceSettings)
    assert isinstance(second, CrossingSettings)
    assert (first.schedule, second.direction) == (None, "to_left")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rule: []\n", "rules.yaml:1: rule: is not a known key. Did you mean 'rules'?"),
        ("- {id: a}\n", "rules.yaml:1: must be a group of 'key: value' lines (got a list)"),
        (
            "rules:\n  - {id: a, type: crossing, line: [[0, 0], [0, 0]]}\n",
            "rules.yaml:2: rules[0].line: both ends of the line are the same point",
        ),
        (
            f"rules:\n  - {{id: a, type: presence, zone: {PICTURE}}}\n  - {{id: a, type: presence, zone: {PICTURE}}}\n",
            "rules.yaml:3: rules[1].id: 'a' is already the id of the rule in line 2. Give each rule an id of its own.",
        ),
    ],
)
def test_problems_of_a_rule_file_have_their_lines(text: str, expected: str) -> None:
    with pytest.raises(SettingsProblems) as caught:
        rules_of(text)
    assert expected in [problem.text() for problem in caught.value.problems]


def test_without_any_kind_installed_the_line_says_so() -> None:
    with pytest.raises(SettingsProblems, match="Known: none is installed"):
        site_of(SITE, Kinds())
