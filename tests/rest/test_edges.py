"""The machinery's edges: what cannot be compiled or filtered refuses to start, and limits that are rarely met hold."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError
from django.db.models import BinaryField
from django.urls import resolve
from rest_framework import serializers

from crm.errors import Problem
from crm.rest import lists
from crm.rest.compiling import compile_plan
from crm.rest.contract import CANONICAL, BareErrors
from crm.rest.filters import ResourceFilterSet
from crm.rest.problems import is_passing
from tests.conftest import Caller


class WithDuration(serializers.Serializer[Any]):
    """Has a field that nobody has taught the compiler."""

    length = serializers.DurationField()
    secret = serializers.CharField(write_only=True)


def test_it_refuses_a_field_that_it_cannot_compile() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"WithDuration\.length: DurationField cannot be compiled"):
        compile_plan(WithDuration)


def test_it_refuses_a_filter_without_a_reader() -> None:
    with pytest.raises(ImproperlyConfigured, match="declare a filter for a BinaryField"):
        ResourceFilterSet.filter_for_field(BinaryField(), "digest")


def test_it_prints_bare_errors() -> None:
    problem = Problem(400, "invalid_request", "email: Bad.", {"email": ["Bad."]})
    assert BareErrors().body(problem, CANONICAL, "req_1") == {
        "error": "invalid_request",
        "message": "email: Bad.",
        "details": [{"field": "email", "message": "Bad."}],
    }


def test_it_tries_again_after_a_closed_connection() -> None:
    assert is_passing(InterfaceError("the connection is closed"))
    assert not is_passing(ValueError())


def test_it_keeps_a_bounded_number_of_statements(acme: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "CACHED_STATEMENTS", 3)
    for name in ("id", "name", "type", "status", "email", "phone", "tags"):
        assert acme.get(f"/clients?fields={name}").status == 200
    bound: Any = resolve("/v1/clients").func
    assert 1 <= len(bound.cls.statements) <= 4


def test_it_refuses_an_amount_beyond_its_bound(acme: Caller) -> None:
    refused = acme.post("/products", {"name": "Moon", "price": "1" + "0" * 15})
    assert (refused.status, refused.error["details"]["field"]) == (400, "price")


def test_it_refuses_more_than_64_kb_of_custom_fields(acme: Caller) -> None:
    refused = acme.post("/clients", {"name": "Ada", "custom_fields": {"note": "x" * 65_536}})
    assert (refused.status, refused.error["details"]["field"]) == (400, "custom_fields")
    assert acme.post("/clients", {"name": "Ada", "custom_fields": {"note": "x" * 65_000}}).status == 201
