"""Where numbers lie: images as rows x columns x channels, and windows that slide over them."""
import numpy as np

LAYOUTS = {1: ("vector",), 2: ("image", "channels_first", "channels_last"), 3: ("channels_first", "channels_last")}  # by rank, without the batch


def to_grid(values: np.ndarray, layout: str) -> np.ndarray:
    """Returns the values as rows x columns x channels. Signals become one row; an image without channels gets one."""
    if values.ndim == 3:
        return values.transpose(1, 2, 0) if layout == "channels_first" else values
    if values.ndim == 2 and layout == "image":
        return values[:, :, None]
    if values.ndim == 2:
        return values.T[None] if layout == "channels_first" else values[None]
    return values.reshape(1, 1, -1)


def from_grid(grid: np.ndarray, rank: int, layout: str) -> np.ndarray:
    """Undoes to_grid()."""
    if rank == 3:
        return grid.transpose(2, 0, 1) if layout == "channels_first" else grid
    if rank == 2 and layout == "image":
        return grid[:, :, 0]
    if rank == 2:
        return grid[0].T if layout == "channels_first" else grid[0]
    return grid.reshape(-1)


def same_zeros(extent: int, kernel: int, stride: int, odd_before: bool = False) -> tuple[int, int]:
    """Returns the zeros before and after for ceil(extent / stride) windows. The odd one is after, unless `odd_before`."""
    total = max(0, (-(-extent // stride) - 1) * stride + kernel - extent)
    return (total - total // 2, total // 2) if odd_before else (total // 2, total - total // 2)


def padding_text(transposed: bool, window: tuple[int, int], stride: tuple[int, int], zeros: tuple[int, ...], large: tuple[int, ...],
                 small: tuple[int, ...]) -> str:
    """Returns the keys padding= and output= of a layer between these grids, in their shortest form. `zeros` are top, bottom, left, right;
    a transposed layer's may be negative after, where no window reaches."""
    def all_of(fits) -> bool:
        return all(fits(large[i], small[i], window[i], stride[i], zeros[2 * i]) for i in range(2))

    def is_valid(extent, windows, kernel, step, before) -> bool:
        return before == 0 and (extent == windows * step + max(kernel - step, 0) if transposed else windows == (extent - kernel) // step + 1)

    def is_same(extent, windows, kernel, step, before) -> bool:
        fits = extent == windows * step if transposed else windows == -(-extent // step)
        return fits and before == max(0, (windows - 1) * step + kernel - extent) // 2

    if all_of(is_valid):
        return ""
    if all_of(is_same):
        return " padding=same"
    if transposed:  # as PyTorch writes it, where the output's size is one of those that equal zeros on both sides allow
        made = [(small[i] - 1) * stride[i] + window[i] - 2 * zeros[2 * i] for i in range(2)]
        if all(made[i] <= large[i] < made[i] + stride[i] for i in range(2)):
            zeros = (zeros[0], zeros[0], zeros[2], zeros[2])
    top, bottom, left, right = (max(0, zero) for zero in zeros)
    text = f"{top},{bottom},{left},{right}"
    if top == bottom and left == right:
        text = f"{top}" if top == left else f"{top}x{left}"
    made = [(small[i] - 1) * stride[i] + window[i] - (top + bottom, left + right)[i] for i in range(2)]
    return f" padding={text}" + (f" output={large[0]}x{large[1]}" if transposed and made != list(large[:2]) else "")
