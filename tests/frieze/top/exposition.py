"""What a relay's metrics look like, with values of the test's choice."""

from typing import Any

from frieze.top.reading import Reading, parse


def text(
    delivered: dict[str, int],
    *,
    started: float = 1000.0,
    lag: dict[str, int] | None = None,
    viewers: dict[str, tuple[int, int, int]] | None = None,
    more: str = "",
) -> str:
    lines = [
        "frieze_relay_connections 7",
        "frieze_relay_connections_limit 20000",
        "frieze_relay_connections_paused 2",
        f"process_start_time_seconds {started}",
    ]
    lines += [f'frieze_relay_delivered_total{{wall="{wall}"}} {count}' for wall, count in delivered.items()]
    lines += [
        f'frieze_relay_delivered_bytes_total{{wall="{wall}"}} {count * 1000}' for wall, count in delivered.items()
    ]
    lines += [f'frieze_relay_lag_seconds_bucket{{le="{bound}"}} {count}' for bound, count in (lag or {}).items()]
    for wall, stages in (viewers or {}).items():
        lines.append(f'frieze_relay_ring_age_seconds{{wall="{wall}"}} 60')
        for stage, count in zip(("live", "behind", "waiting"), stages, strict=True):
            lines.append(f'frieze_relay_viewers{{wall="{wall}",stage="{stage}"}} {count}')
    return "\n".join(lines) + "\n" + more


def reading(at: float, delivered: dict[str, int], **options: Any) -> Reading:
    return parse(text(delivered, **options), at)
