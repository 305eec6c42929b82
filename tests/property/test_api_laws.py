"""Laws of the resources: round trips, and that nothing but SpecError ever comes out."""

import json
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.property.resource_strategies import JSON, RESOURCES, damaged

from pai.api import DocumentErrors, dump_all_yaml, dump_yaml, parse, validate
from pai.api.quantity import QuantityError, parse_quantity
from pai.api.yaml_scalars import plain_scalar
from pai.errors import SpecError

LAW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@LAW
@given(data=RESOURCES)
def test_a_valid_resource_survives_the_wire(data: dict[str, Any]) -> None:
    resource = validate(data)
    wire = json.loads(json.dumps(resource.to_wire()))
    assert validate(wire) == resource
    assert validate(wire).to_wire() == wire


@LAW
@given(data=RESOURCES)
def test_a_valid_resource_survives_yaml(data: dict[str, Any]) -> None:
    resource = validate(data)
    assert parse(dump_yaml(resource.to_wire())) == [resource]
    assert parse(dump_all_yaml([resource.to_wire()])) == [resource]
    assert parse(json.dumps(resource.to_wire())) == [resource]


@LAW
@given(data=st.one_of(damaged(), JSON))
def test_anything_is_a_resource_or_faults(data: Any) -> None:
    try:
        resource = validate(data)
    except SpecError as error:
        assert isinstance(error, DocumentErrors)
        assert error.faults
        assert all(fault.message for fault in error.faults)
    else:
        assert validate(resource.to_wire()) == resource


@LAW
@given(data=damaged(), cut=st.integers(0, 400), extra=st.text(max_size=6))
def test_any_text_is_resources_or_faults(data: Any, cut: int, extra: str) -> None:
    text = json.dumps(data, indent=1) if cut % 2 else yaml.safe_dump(data, allow_unicode=True)
    for damaged_text in (text[:cut] + extra + text[cut:], text[cut:], extra):
        try:
            parse(damaged_text, "x.yaml")
        except DocumentErrors as error:
            lines = len(damaged_text.splitlines()) + 1  # YAML ends lines at U+0085 and others too
            assert all(0 <= fault.line <= lines for fault in error.faults)


@LAW
@given(data=st.binary(max_size=60))
def test_any_bytes_are_resources_or_faults(data: bytes) -> None:
    try:
        parse(data)
    except DocumentErrors as error:
        assert error.faults


@LAW
@given(text=st.text(st.sampled_from("0123456789+-._:eExobyn~"), max_size=8))
def test_a_scalar_is_read_as_yaml_1_1_reads_it_or_refused(text: str) -> None:
    """What is read as a number or a truth value means the same to older readers."""
    scalar = plain_scalar(text)
    if scalar.problem is None and isinstance(scalar.value, int | float):
        older = yaml.safe_load(f"[{text}]")[0]
        # PyYAML wants a digit before the point of a signed number, and a point before an exponent.
        stricter = "e" in text.lower() or text[1:2] == "."
        assert older == scalar.value or (stricter and older == text)
    if scalar.problem is None and isinstance(scalar.value, str):
        older = yaml.safe_load(json.dumps([text]))[0]
        assert older == scalar.value


@LAW
@given(
    number=st.integers(0, 10**6), unit=st.sampled_from(["", "m", "k", "Ki", "M", "Mi", "G", "Gi"])
)
def test_quantities_order_as_their_numbers(number: int, unit: str) -> None:
    assert parse_quantity(f"{number}{unit}") < parse_quantity(f"{number + 1}{unit}")


@LAW
@given(text=st.text(max_size=12))
def test_any_text_is_a_quantity_or_an_error(text: str) -> None:
    try:
        assert parse_quantity(text) >= 0
    except QuantityError as error:
        assert error.message
