"""Addresses under which operators see pictures, public or not."""

from datetime import UTC, datetime, timedelta

from wall.catalogue import Catalogue
from wall.catalogue.likeness import Similar
from wall.catalogue.posts import ConsolePost
from wall.posts import Media
from web.console.answers import AuthorAnswer, MediaAnswer, PostAnswer, RenditionAnswer, SimilarAnswer

_STEP = timedelta(hours=1)
_SCHEMES = ("https://", "http://")


class Pictures:
    """Signs addresses. Their end is always a full hour, one to two hours ahead: reading a list again gives the same
    addresses, from every web process, so that a browser keeps the pictures it has."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def post(self, found: ConsolePost) -> PostAnswer:
        post = found.post
        avatar = post.author.avatar
        return PostAnswer(
            id=post.id,
            wall=found.wall,
            state=found.state,
            revision=post.revision,
            shown=found.shown,
            reason=found.reason,
            source=post.source,
            # an address we link to; anything but a web page's would run in the operator's browser
            url=post.url if post.url and post.url.startswith(_SCHEMES) else None,
            author=AuthorAnswer(
                name=post.author.name,
                handle=post.author.handle,
                avatar=await self._address(*_parts(avatar)) if avatar else None,
            ),
            text=post.text,
            created=post.created,
            received=post.received,
            ready=post.ready,
            changed=found.changed_at,
            media=[await self._media(media) for media in post.media],
            media_errors=list(found.media_errors),
            similar=[await self._similar(one) for one in found.similar],
        )

    async def _similar(self, one: Similar) -> SimilarAnswer:
        return SimilarAnswer(
            post=one.post_id,
            author=one.author,
            source=one.source,
            state=one.state,
            received=one.received,
            distance=one.distance,
            picture=await self._media(one.picture) if one.picture is not None else None,
        )

    async def _media(self, media: Media) -> MediaAnswer:
        return MediaAnswer(
            id=media.id,
            kind=media.kind,
            alt=media.alt,
            width=media.width,
            height=media.height,
            focus=media.focus,
            thumbhash=media.thumbhash,
            duration=media.duration,
            renditions=[
                RenditionAnswer(
                    role=rendition.role,
                    width=rendition.width,
                    height=rendition.height,
                    type=rendition.type,
                    url=await self._address(media.id, rendition.role),
                )
                for rendition in media.renditions
            ],
        )

    async def _address(self, media_id: str, role: str) -> str:
        return await self._catalogue.media.sign(media_id, role, _lease(self._catalogue.now()))


def _lease(now: datetime) -> timedelta:
    since_epoch = now - datetime(1970, 1, 1, tzinfo=UTC)
    return (since_epoch // _STEP + 2) * _STEP - since_epoch


def _parts(address: str) -> tuple[str, str]:
    """`/media/<media id>/<role>`, as `wall.catalogue.records.media_address` makes it."""
    _, _, media_id, role = address.split("/")
    return media_id, role
