"""Paths that the tests use. CMake passes them in environment variables."""
import importlib.util
import os
import pathlib
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CASTNET_BUILD", SOURCE / "build"))
COMPILER = os.environ.get("CASTNET_COMPILER", "c++")
PLUGINS = pathlib.Path(os.environ.get("CASTNET_PLUGINS", "."))
NETWORK = SOURCE / "tests" / "networks" / "test_gap.castnet"
TOOLS = [word for tool in ("castnet", "castnet_generator", "castnet_space", "castnet_measure")
         for word in (f"--{tool.removeprefix('castnet_')}", BUILD / "bin" / tool)]  # the autotuner's options
SKIPPED = 77  # CTest's SKIP_RETURN_CODE


def require_optuna() -> None:
    if importlib.util.find_spec("optuna") is None:
        print("Optuna is not installed here; sh cmake/bootstrap.sh test installs it")
        sys.exit(SKIPPED)
