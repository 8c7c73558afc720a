"""Where guests add to a wall."""

from wall.catalogue import Catalogue
from wall.catalogue.walls import Wall


async def adding_path(catalogue: Catalogue, wall: Wall) -> str:
    """The path of the page; on a secret wall with the key that adds and opens nothing else."""
    path = f"/w/{wall.slug}/add"
    return f"{path}#key={await catalogue.links.adding_key(wall)}" if wall.secret else path
