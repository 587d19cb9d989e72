"""Why a mail is where it is, step by step; and what other rules make of the same recipient."""

from uuid import UUID

from fastapi import Request, Response

from domain.explanations import Explanation
from domain.zones import find_zone
from store.explanations import Story
from web.asked import Asked
from web.planned import PlannedSends
from web.rendering import Renderer


class WhyPage:
    """Its route."""

    def __init__(self, sends: PlannedSends, renderer: Renderer) -> None:
        self._sends = sends
        self._renderer = renderer

    async def show(self, request: Request, id: UUID) -> Response:
        """Tell it; there is no page for a send that is none."""
        send, story = await self._sends.find_planned(id), await self._sends.find_story(id)
        its_own = story.of(id) if story is not None else None
        if send is None or story is None or its_own is None:
            return self._renderer.page(request, "no_such_page.html", {"here": "nowhere"}, status_code=404)
        context = {
            "here": "why",
            "send": send,
            "story": story,
            "one": its_own,
            "others": _others(story, its_own),
            "zone_of": lambda one: find_zone(one.zone),
            "back": Asked(open=id).address(),
        }
        return self._renderer.page(request, "why.html", context)


def _others(story: Story, its_own: Explanation) -> list[Explanation]:
    return [one for one in story.explanations if one is not its_own]
