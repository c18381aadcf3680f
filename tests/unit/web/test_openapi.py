"""The document of paths and the paths themselves say the same."""

import json
import re

import msgspec
import pytest

from streamapp.web.openapi import OPERATIONS, document
from streamapp.web.routes import ROUTES


def test_every_route_is_documented_and_every_documented_path_exists():
    assert [route.path for route in ROUTES if route.path not in OPERATIONS] == []
    assert [path for path in OPERATIONS if path not in {route.path for route in ROUTES}] == []


async def test_the_application_answers_on_nothing_that_is_not_documented(client):
    served = {resource.canonical for resource in client.app.router.resources()}
    assert served - {"/static"} == set(OPERATIONS)


def test_every_path_parameter_is_described():
    for path, operation in OPERATIONS.items():
        described = {parameter.name for parameter in operation.parameters if parameter.where == "path"}
        assert described == set(re.findall(r"{(\w+)}", path))


def test_every_reference_in_the_document_leads_somewhere():
    spec = document()
    found = re.findall(r'"#/components/schemas/(\w+)"', json.dumps(spec))
    assert found
    assert set(found) <= set(spec["components"]["schemas"])


def test_operation_ids_are_distinct():
    ids = [methods["get"]["operationId"] for methods in document()["paths"].values()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/", "/"),
        ("/status", "/status"),
        ("/tables/", "/tables/"),
        ("/tables/{name}", "/tables/products"),
        ("/tables/{name}/{key}", "/tables/products/p-1"),
        ("/search", "/search?q=shoe"),
        ("/recommend", "/recommend?product=p-1"),
        ("/health", "/health"),
        ("/health/live", "/health/live"),
        ("/health/ready", "/health/ready"),
        ("/health/{component}", "/health/kafka"),
    ],
)
async def test_answers_have_the_shape_that_the_document_promises(client, path, url):
    body = await (await client.get(url)).read()
    msgspec.json.decode(body, type=OPERATIONS[path].answer)


async def test_the_document_is_served(client):
    spec = await (await client.get("/openapi.json")).json()
    assert spec["openapi"] == "3.1.0"
    assert "/search" in spec["paths"]
