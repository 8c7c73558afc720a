"""Every error Frieze raises on purpose.

    FriezeError
    ├── SettingsError             a setting is missing, unknown or wrong; names the variable
    ├── CatalogueError            the database could not do what was asked
    │   ├── CatalogueUnavailable  it can't be reached (temporary)
    │   ├── NotFound              no such wall, search, post
    │   ├── ClaimLost             the hold expired, or somebody took it away; throw the work away
    │   ├── MoveRefused           somebody else moved the post first, or the move does not exist
    │   └── UploadRefused         a guest may not add this here
    ├── BrokerError               our side of the broker
    │   ├── BrokerUnavailable     it can't be reached or hung up (temporary)
    │   ├── BrokerRefused         wrong credentials, or no right to the destination
    │   └── PositionAhead         the broker has seen a newer epoch or a higher seq than our catalogue
    ├── SourceError               a network did not answer as it should
    │   ├── SourceUnavailable     it did not answer, or answered 5xx (temporary)
    │   ├── SourceLimited         it asks us to wait until a time (temporary)
    │   ├── SourceBudgetSpent     the paid amount is used up; an operator must act
    │   └── SourceRefused         credentials or query are wrong; an operator must act
    ├── FetchError                a picture could not be fetched
    │   ├── FetchUnavailable      worth trying again (temporary)
    │   └── FetchRefused          its address, size or type is not allowed
    ├── PictureError              bytes that make no picture; says why in an operator's words
    ├── StudioBusy                no picture can be made just now (temporary)
    └── StoreError                picture bytes could not be read or written
        ├── StoreUnavailable      it can't be reached, or is full (temporary)
        ├── StoreRefused          wrong credentials, or no right to the container; an operator must act
        ├── ObjectMissing         no such key
        └── ObjectChanged         not the object that was asked for

`str()` of each is a sentence for a person that says what happened and, where somebody can act, what to do.
What strangers see is `public`; the log may say more.
"""

from datetime import datetime


class FriezeError(Exception):
    """The root. `temporary` says whether trying again later can help."""

    temporary = False

    def __init__(self, sentence: str, *, public: str = "Something went wrong.") -> None:
        super().__init__(sentence)
        self.public = public


class SettingsError(FriezeError):
    """A setting is missing, unknown or wrong. The sentence names the variable and what would be right."""


class CatalogueError(FriezeError):
    """The database could not do what was asked."""


class CatalogueUnavailable(CatalogueError):
    """The database can't be reached; trying again later can help."""

    temporary = True


class NotFound(CatalogueError):
    """No such wall, search, post or operator. Safe to show."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, public=sentence)


class ClaimLost(CatalogueError):
    """What we held is no longer ours: the claim expired, or the thing was edited, paused or removed meanwhile."""


class MoveRefused(CatalogueError):
    """A post was not moved: it is no longer in the state, or the revision, that the caller saw.

    `state` and `revision` are what it is now; `by` is the operator who moved it last, when one did.
    """

    def __init__(self, sentence: str, *, state: str, revision: int, by: str | None = None) -> None:
        super().__init__(sentence, public=sentence)
        self.state = state
        self.revision = revision
        self.by = by


class UploadRefused(CatalogueError):
    """A guest may not add this to this wall. The sentence is for the guest; `code` is one of docs/wire.md.

    `upload` is the same guest's upload of the same bytes, `limit` how many bytes there may be, where there is one.
    """

    def __init__(self, code: str, sentence: str, *, upload: str | None = None, limit: int | None = None) -> None:
        super().__init__(sentence, public=sentence)
        self.code = code
        self.upload = upload
        self.limit = limit


class BrokerError(FriezeError):
    """Our side of the broker."""


class BrokerUnavailable(BrokerError):
    """The broker can't be reached, did not answer in time, or hung up."""

    temporary = True


class BrokerRefused(BrokerError):
    """The broker answered ERROR: wrong credentials, or no right to a destination."""


class PositionAhead(BrokerError):
    """The broker has carried a newer epoch or a higher seq of a wall than our catalogue holds."""


class SourceError(FriezeError):
    """A network did not answer as it should."""


class SourceUnavailable(SourceError):
    """No answer, or one that says the network itself is in trouble."""

    temporary = True


class SourceLimited(SourceError):
    """The network asks us to wait. `until` is when (UTC), or None where it does not say."""

    temporary = True

    def __init__(self, sentence: str, *, until: datetime | None = None) -> None:
        super().__init__(sentence)
        self.until = until


class SourceBudgetSpent(SourceError):
    """The paid amount of posts is used up; waiting a moment does not help, an operator must act."""


class SourceRefused(SourceError):
    """The network refuses our credentials or the query; an operator must act."""


class FetchError(FriezeError):
    """A picture could not be fetched."""


class FetchUnavailable(FetchError):
    """The picture's host did not answer well; worth trying again."""

    temporary = True


class FetchRefused(FetchError):
    """The address, size or type is not allowed; trying again gives the same answer."""


class PictureError(FriezeError):
    """These bytes make no picture. The sentence is in an operator's words; `code` names the limit or defect."""

    def __init__(self, sentence: str, *, code: str) -> None:
        super().__init__(sentence, public=sentence)
        self.code = code


class StudioBusy(FriezeError):
    """No picture can be made just now: the waiting room is full, or a worker died of something of ours."""

    temporary = True


class StoreError(FriezeError):
    """Picture bytes could not be read or written."""


class StoreUnavailable(StoreError):
    """The store can't be reached, or is full."""

    temporary = True


class StoreRefused(StoreError):
    """The store knows us not, or lets us do nothing there. The sentence says which setting to look at."""


class ObjectChanged(StoreError):
    """Another object than the asked one lies under the key."""


class ObjectMissing(StoreError):
    """The store has no object under this key."""
