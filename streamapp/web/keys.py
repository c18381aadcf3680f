"""What the application carries for its handlers, each under a typed key.

A later room brings its own key and puts its part under it in `server.create_web`.
"""

import asyncio

from aiohttp import web
from jinja2 import Environment
from prometheus_client import CollectorRegistry

from streamapp.pipeline.views import WorkerView
from streamapp.search.recommend import Recommend
from streamapp.search.search import Search

WORKER = web.AppKey[WorkerView]("worker")
SEARCH = web.AppKey[Search]("search")
RECOMMEND = web.AppKey[Recommend]("recommend")
REGISTRY = web.AppKey[CollectorRegistry]("registry")
TEMPLATES = web.AppKey[Environment]("templates")
STARTED = web.AppKey[float]("started")
STOPPING = web.AppKey[asyncio.Event]("stopping")
TRUSTED = web.RequestKey[bool]("trusted")
