"""`/search` and `/recommend`: questions and "what else?", as pages and as JSON.

A browser that opens either without a question gets its form; a program gets a 400 that says what is missing.
"""

from aiohttp import web

from streamapp.search.recommend import Recommend, Recommendation
from streamapp.search.search import MAX_LIMIT
from streamapp.web.errors import BadRequestError
from streamapp.web.keys import RECOMMEND, SEARCH
from streamapp.web.negotiate import Answer, wants_page
from streamapp.web.parameters import text, texts, whole

DEFAULT_HITS = 10


async def search(request: web.Request) -> Answer:
    """`/search?q=`: the products nearest in meaning."""
    limit = whole(request, "limit", DEFAULT_HITS, 1, MAX_LIMIT)
    category = text(request, "category")
    form = {"limit": limit, "category": category}
    if "q" not in request.query:
        if wants_page(request):
            return Answer(None, "search.html", "Search", form)
        raise BadRequestError("The parameter q is missing.", "Ask like /search?q=wireless+headphones&limit=5.")
    hits = await request.app[SEARCH].search(request.query["q"], limit, category or None)
    return Answer(hits, "search.html", "Search", form)


async def recommend(request: web.Request) -> Answer:
    """`/recommend`: by product, by user, or by examples."""
    limit = whole(request, "limit", DEFAULT_HITS, 1, MAX_LIMIT)
    product, user = text(request, "product"), text(request, "user")
    positive, negative = texts(request, "positive"), texts(request, "negative")
    form = {"limit": limit, "product": product, "user": user, "positive": positive, "negative": negative}
    if not (product or user or positive or negative) and wants_page(request):
        return Answer(None, "recommend.html", "Recommend", form)
    hits = await _recommended(request.app[RECOMMEND], product, user, positive, negative, limit)
    return Answer(hits, "recommend.html", "Recommend", form)


async def _recommended(
    recommend: Recommend, product: str, user: str, positive: list[str], negative: list[str], limit: int
) -> list[Recommendation]:
    if sum(map(bool, (product, user, positive or negative))) != 1:
        raise BadRequestError(
            "Name one thing to start from: a product, a user, or examples.",
            "Ask like /recommend?product=ID, /recommend?user=ID or /recommend?positive=ID&negative=ID.",
        )
    if product:
        return await recommend.like_product(product, limit)
    if user:
        return await recommend.for_user(user, limit)
    return await recommend.by_examples(positive, negative, limit)
