"""Lists what Castnet is made of, with licences, as SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3).

    python spdx.py ROOT VERSION FILE

Every package that cmake/bootstrap.sh installs must have its licence here: a missing one stops the build.
"""
import hashlib
import json
import pathlib
import re
import subprocess
import sys

# What is pinned by hash in a requirements.txt …
PINNED = {
    "alembic": "MIT", "cmake": "Apache-2.0", "colorlog": "MIT", "gcovr": "BSD-3-Clause", "h5py": "BSD-3-Clause", "halide": "MIT",
    "jinja2": "BSD-3-Clause", "lxml": "BSD-3-Clause", "mako": "MIT", "markupsafe": "BSD-3-Clause",
    "ml_dtypes": "Apache-2.0", "ninja": "Apache-2.0", "numpy": "BSD-3-Clause", "onnx": "Apache-2.0", "optuna": "MIT",
    "packaging": "Apache-2.0 OR BSD-2-Clause", "protobuf": "BSD-3-Clause", "pygments": "BSD-2-Clause", "pyyaml": "MIT",
    "sqlalchemy": "MIT", "tqdm": "MPL-2.0 AND MIT", "typing-extensions": "PSF-2.0",
}
# … and what the distribution's own signatures vouch for.
DISTRIBUTION = {
    "ca-certificates": "GPL-2.0-or-later AND MPL-2.0", "chromium": "BSD-3-Clause", "chromium-driver": "BSD-3-Clause",
    "clang": "Apache-2.0 WITH LLVM-exception", "clang-19": "Apache-2.0 WITH LLVM-exception",
    "clang-format": "Apache-2.0 WITH LLVM-exception", "clang-tidy": "Apache-2.0 WITH LLVM-exception", "cppcheck": "GPL-3.0-or-later",
    "doctest-dev": "MIT", "g++": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "g++-aarch64-linux-gnu": "GPL-3.0-or-later WITH GCC-exception-3.1", "gcc-arm-none-eabi": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "libnewlib-arm-none-eabi": "BSD-3-Clause", "libstdc++-arm-none-eabi-newlib": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "qemu-system-arm": "GPL-2.0-or-later", "gnuplot-nox": "gnuplot",
    "libc++-19-dev-wasm32": "Apache-2.0 WITH LLVM-exception", "libc++abi-19-dev-wasm32": "Apache-2.0 WITH LLVM-exception",
    "libclang-rt-19-dev-wasm32": "Apache-2.0 WITH LLVM-exception", "lld-19": "Apache-2.0 WITH LLVM-exception",
    "libclang-rt-dev": "Apache-2.0 WITH LLVM-exception", "libcli11-dev": "BSD-3-Clause", "libfmt-dev": "MIT", "libmpich-dev": "mpich2", "libopenmpi-dev": "BSD-3-Clause", "mpich": "mpich2", "openmpi-bin": "BSD-3-Clause", "libpng-dev": "libpng-2.0",
    "make": "GPL-3.0-or-later",
    "nlohmann-json3-dev": "MIT", "nodejs": "MIT", "python3": "PSF-2.0", "python3-selenium": "Apache-2.0", "python3-venv": "PSF-2.0", "qemu-user": "GPL-2.0-or-later", "valgrind": "GPL-2.0-or-later",
    "wasi-libc": "Apache-2.0 WITH LLVM-exception AND MIT AND CC0-1.0 AND BSD-2-Clause", "zlib1g-dev": "Zlib",
}
# … and what Halide's wheel contains: the compiler, which is in libHalide.so and not in what it compiles.
CONTAINED = {"llvm": ("21.1.1", "Apache-2.0 WITH LLVM-exception", "halide")}
IN_PROGRAMS = {"halide", "libcli11-dev", "libfmt-dev", "libpng-dev", "nlohmann-json3-dev", "zlib1g-dev"}  # the rest builds, tests or draws


def requirement_files(root: pathlib.Path) -> list[pathlib.Path]:
    """Returns the requirements.txt of the sources, without those of the peers, which Castnet is only compared with."""
    found = sorted(file for folder in ("cmake", "tests", "train") for file in root.glob(f"{folder}/*/requirements.txt"))
    return [root / "requirements.txt", *(file for file in found if file.parent.name != "peers")]


def pinned_packages(root: pathlib.Path) -> dict[str, tuple[str, list[str]]]:
    """Returns versions and hashes by name."""
    pattern = re.compile(r"^([\w-]+)==([\w.]+)(.*?)(?=^\w|\Z)", re.MULTILINE | re.DOTALL)
    return {name: (version, re.findall(r"--hash=sha256:([0-9a-f]{64})", hashes))
            for file in requirement_files(root) for name, version, hashes in pattern.findall(file.read_text())}


def distribution_versions(root: pathlib.Path) -> dict[str, str]:
    script = (root / "cmake" / "bootstrap.sh").read_text()
    names = {name for line in re.findall(r'^(?:\w*_)?packages="(.*)"$', script, re.MULTILINE) for name in line.split()}
    names |= {name for line in re.findall(r"^ *(?:if )?install_packages ([\w+. -]+?)(?: \|\||;|$)", script, re.MULTILINE) for name in line.split()}
    return {name: installed_version(name) for name in sorted(names)}


def installed_version(name: str) -> str:
    try:
        query = subprocess.run(["dpkg-query", "-W", "-f=${Version}", name], capture_output=True, text=True)
    except OSError:
        return "NOASSERTION"
    return query.stdout or "NOASSERTION"


def package(name: str, version: str, licence: str, hashes: list[str]) -> dict:
    return {"SPDXID": "SPDXRef-" + re.sub(r"[^a-zA-Z0-9.-]", "-", name), "name": name, "versionInfo": version,
            "downloadLocation": "NOASSERTION", "licenseConcluded": licence, "licenseDeclared": licence, "copyrightText": "NOASSERTION",
            "checksums": [{"algorithm": "SHA256", "checksumValue": value} for value in hashes]}


def document(root: pathlib.Path, version: str) -> dict:
    pinned, distribution = pinned_packages(root), distribution_versions(root)
    unknown = sorted((pinned.keys() - PINNED.keys()) | (distribution.keys() - DISTRIBUTION.keys()))
    if unknown:
        sys.exit(f"error: cmake/spdx.py: no licence is known of {', '.join(unknown)}; add it there")
    packages = [package("castnet", version, "MIT", [])]
    packages += [package(name, pinned[name][0], PINNED[name], pinned[name][1]) for name in sorted(pinned)]
    packages += [package(name, distribution[name], DISTRIBUTION[name], []) for name in sorted(distribution)]
    relations = [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-castnet"}]
    for entry in packages[1:]:
        kind = "DEPENDS_ON" if entry["name"] in IN_PROGRAMS else "HAS_PREREQUISITE"
        relations.append({"spdxElementId": "SPDXRef-castnet", "relationshipType": kind, "relatedSpdxElement": entry["SPDXID"]})
    for name, (number, licence, holder) in CONTAINED.items():
        packages.append(package(name, number, licence, []))
        relations.append({"spdxElementId": f"SPDXRef-{holder}", "relationshipType": "CONTAINS", "relatedSpdxElement": f"SPDXRef-{name}"})
    identity = hashlib.sha256(json.dumps(packages).encode()).hexdigest()
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"castnet-{version}",
            "documentNamespace": f"urn:castnet:spdx:{identity}",
            "creationInfo": {"created": "1970-01-01T00:00:00Z", "creators": ["Tool: castnet-spdx"]},  # the same for the same parts
            "packages": packages, "relationships": relations}


if __name__ == "__main__":
    pathlib.Path(sys.argv[3]).write_text(json.dumps(document(pathlib.Path(sys.argv[1]), sys.argv[2]), indent=1) + "\n")
