"""Which broker our services speak to, and with which account."""

from frieze.folder import embedded_password
from frieze.settings import Settings, reachable
from wall.broker.address import BrokerAddress, parse_broker_url
from wall.errors import SettingsError


def service_password(settings: Settings) -> str:
    """The embedded broker's service password: given, or made and kept in the data folder."""
    if settings.broker_password is not None:
        return settings.broker_password.get_secret_value()
    return embedded_password(settings.data)


def broker_address(settings: Settings, embedded_port: int | None = None) -> BrokerAddress:
    """Where services connect. `embedded_port` is where the embedded broker really listens. Raises SettingsError."""
    if not settings.embedded:
        given = settings.broker_password
        address = parse_broker_url(
            settings.broker, user=settings.broker_user, password=given.get_secret_value() if given else None
        )
        if not address.password:
            raise SettingsError(
                "The broker needs a password: put it into FRIEZE_BROKER_URL (stomp://user:password@host:61613) "
                "or into FRIEZE_BROKER_PASSWORD."
            )
        return address
    host = reachable(settings.stomp_host)
    return BrokerAddress(
        hosts=((host, embedded_port or settings.stomp_port),),
        user=settings.broker_user,
        password=service_password(settings),
    )
