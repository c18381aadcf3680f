"""Where Kafka is and who we are to it: addresses, TLS, user names, tokens, checked before anybody connects.

In: the kafka section of the settings. Out: values, or a `ConfigurationError` that names the setting to mend. Trap:
secrets stay `SecretStr` until the very call that needs them, so that no message or trace shows one.
"""

import ssl

from aiokafka.abc import AbstractTokenProvider
from pydantic import SecretStr

from streamapp.errors import ConfigurationError
from streamapp.settings import KafkaSettings


class StaticToken(AbstractTokenProvider):  # type: ignore[misc] # aiokafka ships no types
    """Gives the configured OAUTHBEARER token, as it is, for every connection."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    async def token(self) -> str:
        """Return the token."""
        return self._token.get_secret_value()


def servers(kafka: KafkaSettings) -> list[str]:
    """Return the bootstrap servers, one by one, as `host:port`."""
    found = [server.strip() for server in kafka.bootstrap_servers.split(",") if server.strip()]
    for server in found:
        if not server.rpartition(":")[2].isdigit() or ":" not in server:
            raise ConfigurationError(
                f"{server!r} in kafka.bootstrap_servers is no address of a broker.",
                "Write host:port, as in 127.0.0.1:9092; several with commas.",
            )
    if not found:
        raise ConfigurationError(
            "kafka.bootstrap_servers is empty.", "Set STREAMAPP_KAFKA__BOOTSTRAP_SERVERS=host:port."
        )
    return found


def tls_context(kafka: KafkaSettings) -> ssl.SSLContext | None:
    """Return the TLS context of SSL and SASL_SSL connections, with host names checked; None for the others."""
    if kafka.security_protocol not in ("SSL", "SASL_SSL"):
        return None
    try:
        context = ssl.create_default_context(cafile=kafka.ca_file)
        if kafka.certificate_file is not None:
            context.load_cert_chain(kafka.certificate_file, kafka.key_file)
    except OSError as error:  # SSLError is one of them
        files = [str(file) for file in (kafka.ca_file, kafka.certificate_file, kafka.key_file) if file is not None]
        raise ConfigurationError(
            f"Kafka's TLS files cannot be used ({', '.join(files)}): {error.strerror or error}.",
            "kafka.ca_file, kafka.certificate_file and kafka.key_file name PEM files without a passphrase.",
        ) from error
    return context


def needed(kafka: KafkaSettings, name: str, value: SecretStr) -> SecretStr:
    """Return a secret that must be there; raise `ConfigurationError` when it is empty."""
    if value.get_secret_value():
        return value
    raise ConfigurationError(
        f"kafka.{name} is empty, but {kafka.security_protocol} with {kafka.sasl_mechanism} needs it.",
        f"Set STREAMAPP_KAFKA__{name.upper()}, or STREAMAPP_KAFKA__{name.upper()}_FILE with a file that holds it.",
    )
