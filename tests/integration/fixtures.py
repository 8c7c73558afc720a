"""Real brokers and stores for tests; loaded by tests/conftest.py."""

from collections.abc import Iterator

import pytest

from tests.integration.activemq import SERIES_6, ActiveMQ, boot
from tests.integration.swift import Swift, running_swift
from tests.integration.vendors import VendorStore, running_azurite, running_gcs


@pytest.fixture(scope="session")
def activemq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActiveMQ]:
    """A real ActiveMQ on broker/activemq.xml, shared by all tests that leave it running."""
    broker, end = boot(tmp_path_factory.mktemp("activemq"))
    yield broker
    end()


@pytest.fixture
def own_activemq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActiveMQ]:
    """One for a single test, which may stop, kill and start it."""
    broker, end = boot(tmp_path_factory.mktemp("activemq-own"))
    yield broker
    end()


@pytest.fixture(scope="session")
def activemq_6(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActiveMQ]:
    """ActiveMQ 6 from its modules, without the web console."""
    broker, end = boot(tmp_path_factory.mktemp("activemq-6"), SERIES_6)
    yield broker
    end()


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swift]:
    """A real OpenStack Swift for the whole run, with its S3; each test takes a container of its own."""
    with running_swift(tmp_path_factory.mktemp("swift")) as running:
        yield running


@pytest.fixture(scope="session")
def gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VendorStore]:
    """fake-gcs-server, for what `script/test --stores` runs."""
    with running_gcs(tmp_path_factory.mktemp("gcs")) as running:
        yield running


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VendorStore]:
    """Azurite, for what `script/test --stores` runs."""
    with running_azurite(tmp_path_factory.mktemp("azurite")) as running:
        yield running
