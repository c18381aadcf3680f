"""All checks, in the order in which one would mend things."""

from collections.abc import Callable

from streamapp.config.problems import WrongSettingsError
from streamapp.doctor.broker import check_answer, check_broker_port, check_jars, check_topics
from streamapp.doctor.check import Check, Finding, Look, run_checks
from streamapp.doctor.machine import check_disk, check_home, check_java, check_memory, check_web_port
from streamapp.doctor.parts import check_model, check_store
from streamapp.errors import ConfigurationError
from streamapp.settings import Settings


def examine(load: Callable[[], Settings]) -> list[Check]:
    """Look at the settings that `load` gives, and at everything they name. Settings that are wrong end it there."""
    try:
        settings = load()
    except ConfigurationError as error:
        problems = error.problems if isinstance(error, WrongSettingsError) else (error.message,)
        return [Check("settings", "bad", "\n".join(problems), error.hint)]
    return run_checks({"settings": lambda: _settings(settings), **looks(settings)})


def looks(settings: Settings) -> dict[str, Look]:
    """Every check by its name."""
    home, kafka = settings.home, settings.kafka
    return {
        "home": lambda: check_home(home),
        "disk": lambda: check_disk(home),
        "memory": lambda: check_memory(home),
        "java": lambda: check_java(kafka),
        "kafka's jars": lambda: check_jars(kafka, settings.broker),
        "kafka's port": lambda: check_broker_port(kafka),
        "kafka": lambda: check_answer(kafka),
        "topics": lambda: check_topics(kafka),
        "model": lambda: check_model(settings.embedding),
        "store": lambda: check_store(settings),
        "web's port": lambda: check_web_port(home, settings.web),
    }


def _settings(settings: Settings) -> Finding:
    return Finding("good", f"profile {settings.profile}, topic {settings.kafka.topic}, group {settings.kafka.group}")
