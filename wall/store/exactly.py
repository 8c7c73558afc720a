"""A source held to the length that was promised."""

from collections.abc import AsyncGenerator, AsyncIterable

from wall.errors import StoreError


async def exactly(chunks: AsyncIterable[bytes], length: int | None) -> AsyncGenerator[bytes]:
    """`chunks` without empty ones. Raises StoreError at the first byte too many, and at the end when some lack."""
    count = 0
    async for chunk in chunks:
        count += len(chunk)
        if length is not None and count > length:
            raise StoreError(f"More than the promised {length} bytes came.")
        if chunk:
            yield chunk
    if length is not None and count != length:
        raise StoreError(f"{count} bytes came where {length} were promised.")
