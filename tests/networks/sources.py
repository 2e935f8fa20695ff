"""What the sources of the published networks say of them: published/NAME.castnet, and the default network."""
import dataclasses
import pathlib

FOLDER = pathlib.Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class Source:
    name: str
    parameters: int  # by Keras's count_params(), or summed by hand
    code: tuple[int, int, int]
    batch_size: int  # 32 where the source does not say

    @property
    def file(self) -> pathlib.Path:
        return FOLDER.parents[1] / "train" / "mnist_cae.castnet" if self.name == "mnist_cae" else FOLDER / "published" / f"{self.name}.castnet"


SOURCES = (
    Source("mnist_cae", 51_459, (1, 1, 2), 32),
    Source("keras_blog", 4_385, (4, 4, 8), 128),
    Source("keras_denoise", 28_353, (7, 7, 32), 128),
    Source("keras_timeseries", 9_505, (1, 72, 16), 128),
    Source("tf_basic", 101_200, (1, 1, 64), 32),
    Source("tf_denoise", 3_217, (7, 7, 8), 32),
    Source("tf_ecg", 10_484, (1, 1, 8), 512),
    Source("cifar_lightning", 468_227, (1, 1, 128), 256),
    Source("industrial", 1_050_599, (1, 1, 100), 32),
    Source("toy_car_dense", 265_864, (1, 1, 8), 512),
)
