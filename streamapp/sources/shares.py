"""How much of a stream is planted: the shares of duplicates, late, invalid and deleting records."""

from dataclasses import dataclass, fields

from streamapp.errors import ConfigurationError


@dataclass(frozen=True)
class Shares:
    """Shares of all records, each from 0 to 1; duplicates, invalid and tombstones together stay below 1.

    Late events are a share of the valid ones: they are valid, only their time lies in the past.
    Raises ConfigurationError on anything else.
    """

    duplicates: float = 0.0
    late: float = 0.0
    invalid: float = 0.0
    tombstones: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            share = getattr(self, field.name)
            if not 0 <= share <= 1:
                raise ConfigurationError(
                    f"The share of {field.name} is {share}.", "Give a share from 0 to 1, as in 0.05 for 5 %."
                )
        if self.duplicates + self.invalid + self.tombstones >= 1:
            raise ConfigurationError(
                "Duplicates, invalid records and tombstones leave no room for events.",
                "Let their shares add up to less than 1.",
            )
