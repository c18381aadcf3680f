"""Where Kafka is and who we are to it: addresses, the TLS context, the OAUTHBEARER token.

In: the kafka section of the settings, which has checked that all parts are there. Out: values for clients, or a
`ConfigurationError` that names the file which cannot be used. Trap: a token stays a `SecretStr` until a connection
asks for it, so that no message or trace shows it.
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
    return [server.strip() for server in kafka.bootstrap_servers.split(",")]


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
