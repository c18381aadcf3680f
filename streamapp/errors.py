"""Every error that a user may meet, with the exit code it ends a verb with.

StreamappError                    1  a check failed
├── ConfigurationError            3  a setting, a file or this machine is not as it must be
│   ├── JavaMissingError
│   └── PortInUseError
├── UnreachableError              4  something that should answer does not
│   ├── BrokerUnreachableError
│   └── StoreUnavailableError        (an outage: the worker holds the line and tries again)
├── StoreRefusedError             1  the store said no to these very points: trying again cannot help
└── UnaccountedError              5  events are not accounted for

A message says what, where and why; `hint` says what to do next.
"""


class StreamappError(Exception):
    """Something a user can act on."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class ConfigurationError(StreamappError):
    """A setting, a file or this machine is not as it must be."""

    exit_code = 3


class JavaMissingError(ConfigurationError):
    """No Java 17 or newer was found."""


class PortInUseError(ConfigurationError):
    """Another process listens on a port that is needed."""


class UnreachableError(StreamappError):
    """Something that should answer does not."""

    exit_code = 4


class BrokerUnreachableError(UnreachableError):
    """No Kafka broker answers at the configured address."""


class StoreUnavailableError(UnreachableError):
    """The vector store does not answer now; the same call may succeed later."""


class StoreRefusedError(StreamappError):
    """The vector store refused this very request; repeating it cannot help."""


class UnaccountedError(StreamappError):
    """The ledger does not balance."""

    exit_code = 5
