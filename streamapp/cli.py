"""The command line: one verb per process or chore. Verbs live in `streamapp/verbs`, and import what they need late."""

import logging
from typing import Any

import typer

from streamapp.verbs import audit, config, dlq, doctor, explain, generate, processes, questions, status
from streamapp.verbs.errors import VerbGroup

app = typer.Typer(
    cls=VerbGroup,
    name="streamapp",
    help="A shop's event stream turned into live meaning: Kafka in, searchable products and live tables out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
VERBS: tuple[Any, ...] = (
    processes.demo,
    processes.kafka,
    processes.worker,
    questions.search,
    questions.recommend,
    explain.explain,
    audit.audit,
    status.status,
    doctor.doctor,
)
for verb in VERBS:
    app.command(epilog=f"Example: {verb.example}")(verb)
app.add_typer(generate.app)
app.add_typer(dlq.app)
app.add_typer(config.app)


def main() -> None:
    """The `streamapp` command."""
    # What aiokafka has to say of an outage is said by our own messages, once; the worker sets its logs up itself.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    app()
