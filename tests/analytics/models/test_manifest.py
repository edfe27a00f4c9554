from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from analytics.models.manifest import (
    MANIFEST_SUFFIX,
    ColourOrder,
    DensityInput,
    DensityManifest,
    Fit,
    InputFormat,
    Layout,
    Manifest,
    is_density_model,
    known_manifests,
    open_density_model,
    open_model,
    parse_manifest,
)
from core.errors import ModelError
from core.registry import Group, names
from tests.shared import shared

pytestmark = pytest.mark.slow

FOLDER = "data/models"
GUIDE = Path(__file__).parents[3] / "docs" / "models.md"
DATA = b"weights of a model"
SHA256 = hashlib.sha256(DATA).hexdigest()
COMPLETE: dict[str, Any] = {
    "name": "shoes",
    "family": "yolox",
    "sha256": SHA256,
    "licence": "MIT",
    "source": "trained here",
    "classes": ["person", "shoe"],
    "input": {"width": 320, "height": 192, "colour": "bgr", "fit": "letterbox"},
}

DENSITY: dict[str, Any] = {
    "name": "crowd",
    "family": "density",
    "sha256": SHA256,
    "licence": "MIT",
    "source": "trained here",
    "stride": 4,
    "input": {"colour": "grey", "multiple": 8},
}


def text_of(**changes: Any) -> str:
    return yaml.safe_dump(COMPLETE | changes)


def density_text(**changes: Any) -> str:
    return yaml.safe_dump(DENSITY | changes)


def written(folder: Path, data: bytes = DATA, manifest: str | bytes | None = None, name: str = "shoes.onnx") -> Path:
    path = folder / name
    path.write_bytes(data)
    if manifest is not None:
        beside = path.with_name(name + MANIFEST_SUFFIX)
        beside.write_bytes(manifest.encode() if isinstance(manifest, str) else manifest)
    return path


def test_a_manifest_says_everything_that_a_detector_needs() -> None:
    manifest = parse_manifest(text_of(), "m.yaml")
    assert (manifest.name, manifest.family, manifest.licence) == ("shoes", "yolox", "MIT")
    assert manifest.classes == ("person", "shoe")
    assert (manifest.input.width, manifest.input.height) == (320, 192)
    assert (manifest.input.colour, manifest.input.fit) == (ColourOrder.BGR, Fit.LETTERBOX)


def test_the_manifests_in_the_guide_are_valid_and_every_field_is_explained_there() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    examples = [block for block in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL) if "family:" in block]
    detector, density = examples
    assert parse_manifest(detector, "models.md").name == "shoes"
    assert DensityManifest.model_validate(yaml.safe_load(density)).name == "foule"
    formats = {*InputFormat.model_fields, *DensityInput.model_fields}
    fields = {*Manifest.model_fields, *DensityManifest.model_fields, *(f"input.{name}" for name in formats)} - {"input"}
    assert {field for field in fields if f"`{field}`" not in guide} == set()


def test_the_guide_names_every_known_model() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    assert [manifest.name for manifest in known_manifests() if f"`{manifest.name}`" not in guide] == []


def test_left_out_input_fields_mean_raw_pixels_in_planes() -> None:
    format_ = parse_manifest(text_of(), "m.yaml").input
    assert (format_.mean, format_.std, format_.pad, format_.layout) == ((0, 0, 0), (1, 1, 1), 114, Layout.NCHW)


@pytest.mark.parametrize("field", sorted(COMPLETE))
def test_a_missing_field_is_named(field: str) -> None:
    text = yaml.safe_dump({key: value for key, value in COMPLETE.items() if key != field})
    with pytest.raises(ModelError, match=rf"the manifest m\.yaml is refused: {field}: Field required"):
        parse_manifest(text, "m.yaml")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"licence": ""}, "licence"),
        ({"classes": []}, "classes"),
        ({"classes": "person"}, "classes"),
        ({"sha256": "ab"}, "sha256"),
        ({"sha256": SHA256.upper()}, "sha256"),
        ({"colour": "rgb"}, "colour: Extra inputs"),
        ({"input": COMPLETE["input"] | {"width": 0}}, "input.width"),
        ({"input": COMPLETE["input"] | {"fit": "crop"}}, "input.fit"),
        ({"input": COMPLETE["input"] | {"std": [1, 0, 1]}}, "input.std"),
        ({"input": COMPLETE["input"] | {"pad": 256}}, "input.pad"),
        ({"input": COMPLETE["input"] | {"mean": [1, 2]}}, "input.mean"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        parse_manifest(text_of(**changes), "m.yaml")
    assert "docs/models.md" in caught.value.remedy


@pytest.mark.parametrize("text", ["", "3", "[a, b]", "name: [", "\x00", "a: &a [*a]"])
def test_what_is_no_manifest_at_all_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match=r"m\.yaml"):
        parse_manifest(text, "m.yaml")


@pytest.mark.parametrize(
    "value", ["2001-99-99", "0x_", "!!timestamp x", "!!bool x", "9" * 5000, "1e999", "no", "{a: b}", "[" * 600]
)
def test_no_value_breaks_the_reading(value: str) -> None:
    with pytest.raises(ModelError, match=r"m\.yaml"):
        parse_manifest(f"{text_of()}more: {value}", "m.yaml")
    with pytest.raises(ModelError, match=r"m\.yaml"):
        parse_manifest(text_of() + f"input: {{width: {value}}}", "m.yaml")


def test_classes_may_have_names_that_yaml_takes_for_something_else() -> None:
    classes = "[no, on, 7, 2001-01-01, null]"
    text = text_of().replace("- person\n- shoe\n", f"  {classes}\n")
    assert parse_manifest(text, "m.yaml").classes == ("no", "on", "7", "2001-01-01", "null")


@pytest.mark.parametrize("mean", [["nan", 0, 0], ["inf", 0, 0]])
def test_a_figure_that_is_no_number_is_refused(mean: list[Any]) -> None:
    with pytest.raises(ModelError, match=r"input\.mean"):
        parse_manifest(text_of(input=COMPLETE["input"] | {"mean": mean}), "m.yaml")


@given(st.text())
def test_any_text_is_a_manifest_or_a_model_error(text: str) -> None:
    with pytest.raises(ModelError):
        parse_manifest(text, "m.yaml")


@pytest.mark.parametrize("classes", [["person", "face"], ["gender"], ["person", "re-id embedding"]])
def test_biometric_classes_are_refused_and_named(classes: list[str]) -> None:
    with pytest.raises(ModelError, match=rf"{classes[-1]}.*Vigie does no biometrics"):
        parse_manifest(text_of(classes=classes), "m.yaml")


def test_an_unknown_family_is_refused_and_the_installed_ones_are_told() -> None:
    with pytest.raises(ModelError, match="'detr'") as caught:
        parse_manifest(text_of(family="detr"), "m.yaml")
    assert "yolox" in caught.value.remedy


def test_a_model_with_its_manifest_beside_it_is_opened(tmp_path: Path) -> None:
    path = written(tmp_path, manifest=text_of())
    model = open_model(path)
    assert (model.path, model.data, model.manifest.name) == (path, DATA, "shoes")


def test_a_model_that_is_not_the_one_of_its_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"manifest says {SHA256}"):
        open_model(written(tmp_path, data=DATA + b".", manifest=text_of()))


@pytest.mark.parametrize("manifest", ["", "name: [", b"\xff\xfe\xff", text_of(classes=["face"])])
def test_a_manifest_beside_a_model_is_judged_before_anything_else(tmp_path: Path, manifest: str | bytes) -> None:
    with pytest.raises(ModelError, match=MANIFEST_SUFFIX):
        open_model(written(tmp_path, manifest=manifest))


def test_a_folder_in_place_of_the_manifest_is_said(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.with_name(path.name + MANIFEST_SUFFIX).mkdir()
    with pytest.raises(ModelError, match="cannot be read"):
        open_model(path)


def test_a_density_map_model_is_opened_with_the_manifest_beside_it(tmp_path: Path) -> None:
    path = written(tmp_path, manifest=density_text())
    model = open_density_model(path)
    assert (model.path, model.data) == (path, DATA)
    assert (model.manifest.stride, model.manifest.input.multiple) == (4, 8)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stride": 0}, "stride"),
        ({"stride": 3}, "must be a multiple of stride"),
        ({"licence": ""}, "licence"),
        ({"classes": ["person"]}, "classes: Extra inputs"),
        ({"input": {"colour": "rgb", "multiple": 8}}, r"input\.colour"),
        ({"input": {"colour": "grey"}}, r"input\.multiple: Field required"),
        ({"input": {"colour": "grey", "multiple": 1000000}, "stride": 4}, r"input\.multiple"),
        ({"input": COMPLETE["input"]}, r"input\."),
    ],
)
def test_a_wrong_field_of_a_density_map_model_is_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        open_density_model(written(tmp_path, manifest=density_text(**changes)))
    assert "docs/models.md" in caught.value.remedy


def test_a_family_that_nobody_knows_is_named_before_the_fields_that_it_may_lack(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="unknown family 'mcnn'") as caught:
        open_density_model(written(tmp_path, manifest=density_text(family="mcnn")))
    assert "density" in caught.value.remedy


@pytest.mark.parametrize("field", sorted(DENSITY))
def test_a_field_that_a_density_map_model_lacks_is_named(tmp_path: Path, field: str) -> None:
    text = yaml.safe_dump({key: value for key, value in DENSITY.items() if key != field})
    with pytest.raises(ModelError, match=r"is refused: \w+: Field required"):
        open_density_model(written(tmp_path, manifest=text))


def test_a_detectors_manifest_stays_as_strict_as_it_was() -> None:
    with pytest.raises(ModelError, match="stride: Extra inputs"):
        parse_manifest(text_of(stride=4), "m.yaml")
    with pytest.raises(ModelError, match="not of a detector"):
        parse_manifest(density_text(), "m.yaml")


def test_one_kind_of_model_is_not_opened_as_the_other(tmp_path: Path) -> None:
    density = written(tmp_path, manifest=density_text())
    with pytest.raises(ModelError, match="gives density maps and is no detector") as caught:
        open_model(density)
    assert "analysis.density_model" in caught.value.remedy
    detector = written(tmp_path, manifest=text_of())
    with pytest.raises(ModelError, match=r"is a detector \(yolox\) and gives no density maps") as caught:
        open_density_model(detector)
    assert "analysis.detector" in caught.value.remedy


@pytest.mark.parametrize(
    ("manifest", "is_density"), [(density_text(), True), (text_of(), False), ("name: [", False), (None, False)]
)
def test_which_kind_a_file_is_stands_in_the_manifest_beside_it(
    tmp_path: Path, manifest: str | None, is_density: bool
) -> None:
    assert is_density_model(written(tmp_path, manifest=manifest)) is is_density


def test_an_unknown_model_is_refused_with_its_checksum(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"is unknown: no manifest has its sha256 {SHA256}") as caught:
        open_model(written(tmp_path))
    assert f"shoes.onnx{MANIFEST_SUFFIX}" in caught.value.remedy


@pytest.mark.parametrize(("make", "said"), [(Path.touch, "is empty"), (Path.mkdir, "cannot be read")])
def test_an_empty_file_or_a_folder_is_no_model(tmp_path: Path, make: Any, said: str) -> None:
    make(tmp_path / "m.onnx")
    with pytest.raises(ModelError, match=said):
        open_model(tmp_path / "m.onnx")


def test_an_absent_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read: No such file") as caught:
        open_model(tmp_path / "m.onnx")
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_a_model_whose_weights_lie_in_another_file_is_refused(tmp_path: Path) -> None:
    """What ``onnx.save(…, save_as_external_data=True)`` writes: StringStringEntryProto location → file."""
    data = b"\x08\x08\x3a\x20" + b"\x6a\x14\x0a\x08location\x12\x08m.weights"
    manifest = text_of(sha256=hashlib.sha256(data).hexdigest())
    with pytest.raises(ModelError, match="no checksum covers"):
        open_model(written(tmp_path, data=data, manifest=manifest))


def test_the_shipped_manifests_are_complete() -> None:
    manifests = known_manifests()
    assert [manifest.name for manifest in manifests] == [
        "nanodet_m_320",
        "nanodet_m_416",
        "picodet_s_320_coco",
        "picodet_s_416_coco",
        "yolox_nano",
    ]
    for manifest in manifests:
        assert manifest.family in names(Group.DETECTORS)
        assert "Apache-2.0" in manifest.licence
        assert len(set(manifest.classes)) == len(manifest.classes) == 80
        assert manifest.classes[:4] == ("person", "bicycle", "car", "motorcycle")
        assert manifest.classes[11] == "stop sign"
        assert manifest.classes[-1] == "toothbrush"


@pytest.mark.shared_data
@pytest.mark.parametrize("manifest", known_manifests(), ids=lambda manifest: manifest.name)
def test_a_shipped_manifest_is_that_of_the_real_file(manifest: Manifest) -> None:
    path = shared(f"{FOLDER}/{manifest.name}.onnx")
    assert open_model(path).manifest is manifest


@pytest.mark.shared_data
def test_a_known_model_is_recognised_under_another_name(tmp_path: Path) -> None:
    data = shared(f"{FOLDER}/yolox_nano.onnx").read_bytes()
    assert open_model(written(tmp_path, data=data, name="other.onnx")).manifest.name == "yolox_nano"


@pytest.mark.shared_data
@pytest.mark.parametrize("damage", ["altered byte", "truncated", "one byte more"])
def test_a_known_model_that_is_altered_is_refused_as_such(tmp_path: Path, damage: str) -> None:
    data = bytearray(shared(f"{FOLDER}/yolox_nano.onnx").read_bytes())
    if damage == "altered byte":
        data[len(data) // 2] ^= 1
    elif damage == "truncated":
        del data[-1]
    else:
        data.append(0)
    with pytest.raises(ModelError, match="altered, truncated or corrupted"):
        open_model(written(tmp_path, data=bytes(data), name="yolox_nano.onnx"))
