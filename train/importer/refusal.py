"""What ends an import, and the sizes up to which files are believed."""

MOST_ELEMENTS = 1 << 26  # of an image or an activation
MOST_LAYERS = 1000  # as in the network language


class Refusal(Exception):
    """Says in one line what cannot be imported, where, and what to do."""


def cannot_be_cast(layer: str, why: str) -> Refusal:
    return Refusal(f"layer {layer} cannot be cast: {why}")


def check_size(shape: tuple[int, ...], what: str) -> None:
    """Refuses shapes that are none or absurd."""
    elements = 1
    for extent in shape:
        if type(extent) is not int or not 1 <= extent <= MOST_ELEMENTS:
            raise Refusal(f"{what} has the shape {shape}; every extent but the batch's must be a number")
        elements *= extent
    if elements > MOST_ELEMENTS:
        raise Refusal(f"{what} has {elements} elements; it may have at most {MOST_ELEMENTS}")
