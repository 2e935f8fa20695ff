#!/bin/sh
# Sets up what is missing, then builds, trains, tests, installs, measures or checks:
#
#     sh cmake/bootstrap.sh build|train|page|test|install|benchmark|autotune|peers|coverage|lint [network files…] [-- options of the program]
#     sh cmake/bootstrap.sh import model.keras|graph.onnx [weights of PyTorch] [-- options of the program]
#
# A network file is a text, NAME.castnet. The program is train, CTest, the benchmark and so on. For build the options are targets, for
# autotune they are pipelines such as conv2d_1-forward.
# System packages come from the distribution; Halide, CMake and Ninja go into build/venv. Running it again does only what is missing.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build
packages="g++ python3 python3-venv ca-certificates doctest-dev libcli11-dev libfmt-dev libpng-dev nlohmann-json3-dev zlib1g-dev"
lint_packages="clang-format clang-tidy cppcheck"
check_packages="clang libclang-rt-dev make qemu-user valgrind"
arm64_packages="g++-aarch64-linux-gnu qemu-user"
board_packages="gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib make qemu-system-arm"
ranks_packages="libmpich-dev libopenmpi-dev mpich openmpi-bin"
page_packages="clang-19 lld-19 wasi-libc libc++-19-dev-wasm32 libc++abi-19-dev-wasm32 libclang-rt-19-dev-wasm32"
browser_packages="chromium chromium-driver nodejs python3-selenium"
fashion_package=dataset-fashion-mnist
fashion_folder=/usr/share/datasets/fashion-mnist

fail() {
    echo "error: $*" >&2
    exit 1
}

# Fails and shows the end of a command's log.
fail_with_log() {
    tail -n 20 "$1" >&2
    fail "$2; the lines above are the end of $1"
}

say() {
    echo "-- $*"
}

# Runs a command as root, directly or through sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Installs the packages that are missing. Returns false if that is impossible.
install_packages() {
    missing=
    for package in "$@"; do
        status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$status" = installed ] || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    install_line="apt-get update && apt-get install --yes --no-install-recommends$missing"
    command -v apt-get >/dev/null || return 1
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null || return 1
    say "installing$missing"
    as_root apt-get update -qq || return 1
    # shellcheck disable=SC2086  # a list of words
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends $missing >/dev/null
}

install_or_fail() {
    install_packages "$@" || fail "packages are missing and could not be installed; as root run: $install_line"
}

# Installs gnuplot; without it only pictures are missing.
install_plotter() {
    install_packages gnuplot-nox || say "no pictures: gnuplot-nox could not be installed"
}

# Installs what looks for crashes, and what builds for other machines and emulates them; without it only that is missing.
set_up_checkers() {
    # shellcheck disable=SC2086  # lists of words
    install_packages $check_packages || say "no fuzzing, no valgrind, no lesser CPUs: $check_packages could not be installed"
    # shellcheck disable=SC2086
    install_packages $arm64_packages || say "no tests on 64-bit ARM: $arm64_packages could not be installed"
    # shellcheck disable=SC2086
    install_packages $board_packages || say "no tests on a microcontroller: $board_packages could not be installed"
    # shellcheck disable=SC2086
    install_packages $ranks_packages || say "no tests of several processes: $ranks_packages could not be installed"
    # shellcheck disable=SC2086
    install_packages $page_packages $browser_packages || say "no tests in a browser: $page_packages $browser_packages could not be installed"
}

# Makes the virtual environment of requirements.txt, again when that has changed.
set_up_environment() {
    if ! cmp -s "$root/requirements.txt" "$build/venv/requirements.txt"; then
        say "installing Halide, CMake and Ninja into build/venv"
        python=/usr/bin/python3
        [ -x "$python" ] || python=python3
        "$python" -m venv --clear "$build/venv" || fail "$python cannot make a virtual environment; install python3-venv"
        "$build/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$root/requirements.txt" ||
            fail "pip could not install requirements.txt; check the network, and that $python is Python 3.9 to 3.13"
        cp "$root/requirements.txt" "$build/venv/requirements.txt"
    fi
    PATH=$build/venv/bin:$PATH
    export PATH
}

# Installs the packages of a folder's requirements.txt into build/venv or another virtual environment. Returns false if it cannot.
install_requirements() {
    venv=${3:-$build/venv}
    kept=$venv/$(basename "$1")-requirements.txt
    cmp -s "$root/$1/requirements.txt" "$kept" && return 0
    say "installing $2 into ${venv#"$root/"}"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$root/$1/requirements.txt" || return 1
    cp "$root/$1/requirements.txt" "$kept"
}

# Installs the library that the autotuner searches with.
set_up_autotuner() {
    install_requirements cmake/autotune Optuna || fail "pip could not install cmake/autotune/requirements.txt; check the network"
}

# Installs the library that writes ONNX files; without it only these are missing.
set_up_onnx() {
    install_requirements train/onnx ONNX || say "no ONNX files: its library could not be installed"
}

# Installs the libraries that read the files of Keras and ONNX. Returns false if it cannot.
set_up_importer() {
    install_requirements train/onnx ONNX && install_requirements train/importer h5py
}

# Installs the frameworks that Castnet is compared with: gigabytes, so only on request.
set_up_peers() {
    [ -x "$build/peers/bin/pip" ] || "$build/venv/bin/python" -m venv "$build/peers"
    install_requirements tests/peers "Keras, PyTorch, JAX and ONNX Runtime" "$build/peers" && return 0
    say "no peers: they could not be installed"
    rm -rf "$build/peers"
}

# Configures with the network files. Shows only the line of a user's mistake, and the end of the log for any other error.
configure() {
    mkdir -p "$build"
    log=$build/configure.log
    say "configuring (build/configure.log)"
    if ! (cd "$root" && cmake --preset default "-DCASTNET_NETWORKS=$files") >"$log" 2>&1; then
        sed -n 's/^ *\(error: .*\)/\1/p' "$log" | head -n 1 | grep . >&2 && exit 1
        fail_with_log "$log" "CMake could not configure"
    fi
}

# Builds the compiler and lets it read the network files, so that a mistake in one is found before the rest is built.
check_networks() {
    [ -n "$files" ] || return 0
    build castnet
    (
        IFS=';'
        for file in $files; do "$build/bin/castnet" describe "$file" >/dev/null || exit 1; done
    ) || exit 1
}

build() {
    say "building"
    cmake --build "$build" --target "$@" || fail "the build failed; the lines above say where"
}

# Runs clang-tidy on each source, once however many programs are made of it. It cannot read the compiler's precompiled headers.
lint_sources() {
    mkdir -p "$build/lint"
    python3 -c 'import json, re, sys
entries = {entry["file"]: entry for entry in json.load(sys.stdin)}
for entry in entries.values():
    entry["command"] = re.sub("-include [^ ]*cmake_pch[^ ]*", "", entry["command"])
json.dump(list(entries.values()), sys.stdout)' <"$build/compile_commands.json" >"$build/lint/compile_commands.json"
    printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 clang-tidy --quiet --warnings-as-errors='*' -p "$build/lint"
}

# Fails if the data that is asked for does not exist.
check_data() {
    data=${CASTNET_DATA:-}
    while [ $# -gt 0 ]; do
        case $1 in
        --data) data=${2:-} ;;
        --data=*) data=${1#*=} ;;
        esac
        shift
    done
    [ -z "$data" ] || [ -e "$data" ] || fail "$data: there is no such file or folder; give data of your own by --data or CASTNET_DATA"
}

cache=${XDG_CACHE_HOME:-${HOME:-$build}/.cache}/castnet

# Provides images when the user names none: MNIST in the cache, which a download fills, or a set of the same format beside it. The programs
# look there too.
provide_data() {
    if "$build/venv/bin/python" "$root/cmake/download_mnist.py" "$cache/mnist"; then
        [ ! -L "$cache/fashion-mnist" ] || say "MNIST is there now, and takes the place of Fashion-MNIST"
        rm -f "$cache/fashion-mnist"
        return 0
    fi
    install_packages $fashion_package ||
        fail "MNIST could not be downloaded; give data of your own by --data or CASTNET_DATA, or as root run: $install_line"
    ln -sfn "$fashion_folder" "$cache/fashion-mnist"
}

# Makes the page of a network's text, with images where they fit it.
make_page() {
    name=$(basename "$1" .castnet)
    page=$build/page/$name
    build "page-$name"
    if "$build/bin/castnet" describe "$1" | head -n 1 | grep -q ': 28x28x1 to code'; then
        [ -n "${CASTNET_DATA:-}" ] || provide_data
        copy_images "$page/data" "${CASTNET_DATA:-}" "$cache/mnist" "$cache/fashion-mnist"
    fi
    say "made build/page/$name; to see it: python3 -m http.server --directory build/page/$name"
}

# Copies the four files of MNIST's kind, plain or compressed, from the first of some folders that has them.
copy_images() {
    into=$1
    shift
    for folder; do
        ls "$folder"/train-images-idx3-ubyte* >/dev/null 2>&1 || continue
        mkdir -p "$into"
        for file in train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte; do
            if [ -e "$folder/$file" ]; then
                gzip -c "$folder/$file" >"$into/$file.gz"
            else
                cp -f "$folder/$file.gz" "$into" || fail "$folder: has no $file; give all four files of MNIST's names"
            fi
        done
        return 0
    done
    say "the page has no images of its own: there is no train-images-idx3-ubyte in ${CASTNET_DATA:-$cache}"
}

verb=${1:-}
[ $# -eq 0 ] || shift
files=
networks=
while [ $# -gt 0 ] && [ "$verb" != import ]; do
    case $1 in
    --) shift && break ;;
    -*) fail "$1: options of the program go after --" ;;
    *)
        [ -f "$1" ] || fail "$1: there is no such file; give the texts of networks, NAME.castnet"
        name=$(basename "$1" .castnet)
        [ "$name" != "$(basename "$1")" ] || fail "$1: is no network's text; it is called NAME.castnet"
        files=${files:+$files;}$(cd "$(dirname "$1")" && pwd)/$name.castnet
        networks="$networks $name"
        shift
        ;;
    esac
done

case $verb in
build | train | page | test | install | benchmark | autotune | peers | coverage | lint | import) ;;
*) fail "usage: sh cmake/bootstrap.sh build|train|page|test|install|benchmark|autotune|peers|coverage|lint|import [files…] [-- options of the program]" ;;
esac
needs_data=
case $verb in
page) [ $# -eq 0 ] || fail "$1: page has no options; give it the texts of networks alone" ;;
train | benchmark)
    check_data "$@"
    case " ${CASTNET_DATA:+--data} $* " in
    *" --data"* | *" --resume "* | *" --help "* | *" -h "* | *" --version "*) ;;
    *) needs_data=yes ;;
    esac
    ;;
esac
if [ "$verb" = import ]; then
    for file; do
        [ "$file" != -- ] || break
        [ -f "$file" ] || fail "$file: there is no such file; give a model that Keras saved, or an ONNX graph"
    done
fi
# shellcheck disable=SC2086  # a list of words
install_or_fail $packages
set_up_environment
[ -z "$needs_data" ] || provide_data
# shellcheck disable=SC2086
[ "$verb" != page ] || install_or_fail $page_packages
# shellcheck disable=SC2086
[ "$verb" != lint ] || install_or_fail $lint_packages $ranks_packages
case "$verb $*" in
benchmark*--quick*) ;;
benchmark* | peers*) set_up_peers ;;
autotune* | test* | coverage*) set_up_autotuner ;;
esac
case $verb in
train | test | peers | coverage) set_up_onnx ;;
esac
case $verb in
test | peers) set_up_importer || say "no tests of the import: its libraries could not be installed" ;;
import) set_up_importer || fail "pip could not install train/importer/requirements.txt; check the network" ;;
esac
[ "$verb" != test ] || set_up_checkers
configure
check_networks

case $verb in
build)
    build "${@:-all}"
    ;;
train)
    install_plotter
    programs=
    for network in $networks; do programs="$programs train-$network explore-$network"; done
    # shellcheck disable=SC2086  # a list of words
    build ${programs:-train explore}
    for program in ${programs:-train}; do
        case $program in train*) "$build/bin/$program" "$@" ;; esac
    done
    ;;
page)
    IFS=';'
    for file in ${files:-$root/train/mnist_cae.castnet}; do (unset IFS && make_page "$file"); done
    ;;
test)
    build all
    (cd "$root" && ctest --preset default --parallel "$(nproc)" "$@")
    ;;
import)
    build castnet
    for argument; do # all but the --, which would make files of the options
        shift
        [ "$argument" = -- ] || set -- "$@" "$argument"
    done
    "$build/venv/bin/python" "$root/train/importer" "$@"
    ;;
install)
    build castnet castnet_generator castnet_space castnet_measure
    cmake --install "$build" "$@" >"$build/install.log" 2>&1 || fail_with_log "$build/install.log" "the package could not be installed"
    say "installed; build/install.log lists the files"
    ;;
benchmark)
    install_plotter
    build train benchmark-mnist_cae
    python=$build/peers/bin/python
    [ -x "$python" ] || python=$build/venv/bin/python
    "$python" "$root/tests/benchmark/benchmark.py" --bin "$build/bin" --out "$build/benchmark" "$@"
    ;;
autotune)
    install_plotter
    targets=
    for network in $networks; do targets="$targets autotune-$network"; done
    if [ $# -gt 0 ]; then
        AUTOTUNE_PIPELINES=$(IFS=, && echo "$*")
        export AUTOTUNE_PIPELINES
    fi
    # shellcheck disable=SC2086  # a list of words
    build ${targets:-autotune}
    say "the next build uses what was found"
    ;;
peers)
    build all
    (cd "$root" && ctest --preset default --label-regex peers "$@")
    ;;
coverage)
    install_plotter
    install_requirements tests/coverage gcovr || fail "pip could not install tests/coverage/requirements.txt; check the network"
    cd "$root"
    rm -rf build-coverage # with the counts of earlier tests
    CTEST_PARALLEL_LEVEL=$(nproc) cmake --workflow --preset coverage
    # Without the branches that the compiler adds to every call that may throw.
    gcovr --root . --object-directory build-coverage --filter runtime/ --filter train/ --exclude-throw-branches --exclude-unreachable-branches \
        --txt-summary --txt build-coverage/coverage.txt --html-details build-coverage/coverage.html --fail-under-line 95 --fail-under-branch 85 "$@"
    ;;
lint)
    build all
    cd "$root"
    # shellcheck disable=SC2046  # lists of words
    clang-format --dry-run -Werror $(git ls-files '*.cpp' '*.h')
    # shellcheck disable=SC2046  # the same; doctest's macros as functions
    cppcheck --quiet --std=c++20 --enable=warning,performance,portability --error-exitcode=1 -j "$(nproc)" -I . \
        '-DTEST_CASE(name)=static void test()' '-DREGISTER_EXCEPTION_TRANSLATOR(error)=static std::string text(error)' $(git ls-files '*.cpp')
    # shellcheck disable=SC2046  # the same, without what projects of their own build
    lint_sources $(git ls-files '*.cpp' ':!tests/embedding' ':!tests/fuzz')
    ;;
esac
