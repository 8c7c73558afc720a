"""What `frieze up` prints once everything runs: where to look, how to sign in, where the data lives."""

from rich.console import Console

from frieze.settings import Settings, reachable
from wall.catalogue import Catalogue

OPERATOR = "operator"


async def say_hello(settings: Settings, catalogue: Catalogue, port: int) -> None:
    """Print the addresses; the sign-in link is new at each start and works once."""
    base = base_url(settings, port)
    token = await catalogue.operators.link(OPERATOR)
    walls = await catalogue.walls.all()
    lines = [f"[bold]Wall[/]      {base}/w/{wall.slug}" for wall in walls if not wall.secret]
    lines += [f"[bold]Secret[/]    `frieze wall link {wall.slug}` prints its link" for wall in walls if wall.secret]
    lines += [
        f"[bold]Console[/]   {base}/console/sign-in?token={token}",
        "[dim]          signs you in once; `frieze operator link NAME` makes another[/]",
        f"[bold]Data[/]      {settings.data.resolve()}",
        "[dim]Ctrl-C stops it; the next start finds everything as it was.[/]",
    ]
    # soft_wrap: an address that is wrapped can't be clicked
    console = Console(highlight=False, soft_wrap=True)
    console.print()
    for line in lines:
        console.print("  " + line)
    console.print()


def base_url(settings: Settings, port: int | None = None) -> str:
    """How people reach this installation."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = reachable(settings.host)
    return f"http://{host}:{port or settings.port}"
