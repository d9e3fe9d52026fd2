# setup.sh - what ./examples/quickstart, ./tests/run and CI share: installing what is missing, configuring and building.
#
# Sourced by POSIX shells with $top set to the root of the sources. A need is a word: compiler, cxx, clang, clang-format, meson, ninja,
# pkgconf, blas, netlib, zlib, png, python, numpy, rust, cross-arm64, cross-s390x. install_needs looks first and installs only
# what is not there, so that a machine that has everything is not touched and nobody is asked for a password.
# shellcheck disable=SC2046,SC2086 # lists of words are split on purpose

say() { printf '%s\n' "$*"; }
die() {
    printf '%s\n' "$*" >&2
    exit 1
}

# ---- What is there ----

compiles() { # COMPILER LANGUAGE FLAG...
    program=${TMPDIR:-/tmp}/autoenc-setup-$$
    with=$1 language=$2
    shift 2
    printf '#include <stdio.h>\nint main(void) { return 0; }\n' |
        "$with" "$@" -x "$language" -o "$program" - >/dev/null 2>&1 || return 1
    rm -f "$program"
}
module() { # any of the pkg-config modules
    for one; do
        pkg-config --exists "$one" 2>/dev/null && return 0
    done
    return 1
}
find_meson() { # sets $meson: 1.0 or newer, the distribution's or the one that meson_by_pip made
    for meson in meson "$top/build/tools/bin/meson"; do
        case $("$meson" --version 2>/dev/null) in
            '' | 0.*) ;;
            *) return 0 ;;
        esac
    done
    meson=
    return 1
}

there() { # NEED
    case $1 in
        compiler) compiles "${CC:-cc}" c || compiles gcc c || compiles clang c ;;
        cxx) compiles "${CXX:-c++}" c++ ;;
        clang) compiles clang c -fsanitize=address,undefined ;;
        clang-format) command -v clang-format >/dev/null ;;
        meson) find_meson || command -v meson >/dev/null ;;
        ninja) command -v ninja >/dev/null || command -v ninja-build >/dev/null || command -v samu >/dev/null ;;
        pkgconf) command -v pkg-config >/dev/null ;;
        blas) module openblas flexiblas blis cblas blas-netlib ;;
        netlib) module blas-netlib cblas ;;
        zlib) module zlib ;;
        png) module libpng ;;
        cross-arm64) compiles aarch64-linux-gnu-gcc c && command -v qemu-aarch64-static >/dev/null ;;
        cross-s390x) compiles s390x-linux-gnu-gcc c && command -v qemu-s390x-static >/dev/null ;;
        python) command -v python3 >/dev/null ;;
        rust) command -v rustc >/dev/null && command -v cargo >/dev/null ;;
        numpy) python3 -c 'import numpy' 2>/dev/null || /usr/bin/python3 -c 'import numpy' 2>/dev/null ;;
        *) die "setup.sh: unknown need $1" ;;
    esac
}
missing_of() { # NEED...: prints those that are not there
    for need; do
        there "$need" || printf '%s ' "$need"
    done
}

# ---- How it is installed ----

manager() {
    for one in apt-get dnf pacman apk brew; do
        command -v "$one" >/dev/null && { printf '%s' "$one"; return; }
    done
}

# One line a need: apt-get, dnf, pacman, apk, brew. "-" where there is nothing to install.
packages='
compiler  gcc,libc6-dev          gcc                 gcc                gcc,musl-dev       -
cxx       g++                    gcc-c++             gcc                g++                -
clang     clang,libclang-rt-dev  clang,compiler-rt   clang,compiler-rt  clang,compiler-rt  -
clang-format  clang-format       clang-tools-extra   clang              clang-extra-tools  clang-format
meson     meson                  meson               meson              meson              meson
ninja     ninja-build            ninja-build         ninja              samurai            ninja
pkgconf   pkg-config             pkgconf-pkg-config  pkgconf            pkgconf            pkgconf
blas      libopenblas-dev        openblas-devel      openblas           openblas-dev       openblas
netlib    libblas-dev            blas-devel          cblas              blas-dev           lapack
zlib      zlib1g-dev             zlib-devel          zlib               zlib-dev           zlib
png       libpng-dev             libpng-devel        libpng             libpng-dev         libpng
cross-arm64  gcc-aarch64-linux-gnu,libc6-dev-arm64-cross,qemu-user-static  -  -  -  -
cross-s390x  gcc-s390x-linux-gnu,libc6-dev-s390x-cross,qemu-user-static    -  -  -  -
python    python3                python3             python             python3            python3
rust      rustc,cargo            rust,cargo          rust               rust,cargo         rust
numpy     python3-numpy          python3-numpy       python-numpy       py3-numpy          numpy
'
packages_of() { # MANAGER NEED...: prints the packages
    case $1 in
        apt-get) column=2 ;; dnf) column=3 ;; pacman) column=4 ;; apk) column=5 ;; brew) column=6 ;;
    esac
    shift
    for need; do
        printf '%s' "$packages" | awk -v need="$need" -v column="$column" \
            '$1 == need && $column != "-" { gsub(",", " ", $column); printf "%s ", $column }'
    done
}

install_with() { # MANAGER PACKAGE...; $as_root: in front of what changes the system
    with=$1
    shift
    case $with in
        apt-get)
            $as_root apt-get -q update &&
                $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$@" ;;
        dnf) $as_root dnf install -y "$@" ;;
        pacman) $as_root pacman -Sy --noconfirm --needed "$@" ;;
        apk) $as_root apk add "$@" ;;
        brew) brew install "$@" ;;
    esac
}

# What the package manager prints goes to build/install.log, and to the screen only when it fails.
install_packages() { # MANAGER PACKAGE...
    with=$1
    shift
    as_root=
    if [ "$with" != brew ] && [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "Missing: $*
Neither root nor sudo is here to install it. Ask an administrator to run:  $with install $*
(pacman: -S, apk: add), then run this again."
        as_root=sudo
    fi
    say "Installing with $with: $*"
    mkdir -p "$top/build"
    install_with "$with" "$@" >"$top/build/install.log" 2>&1 || {
        cat "$top/build/install.log" >&2
        die "$with could not install: $*"
    }
}

# Where the distribution's meson is older than 1.0 (Ubuntu 22.04): one of our own below build/.
meson_by_pip() { # MANAGER
    say "This system's meson is older than 1.0: installing a newer one into build/tools"
    there python || install_packages "$1" $(packages_of "$1" python)
    # Debian's and Ubuntu's python3 makes such a folder only with a package more.
    python3 -m venv "$top/build/tools" >/dev/null 2>&1 || {
        [ "$1" != apt-get ] || install_packages "$1" python3-venv
        python3 -m venv --clear "$top/build/tools"
    } || die "python3 -m venv does not work; install meson 1.0 or newer by hand"
    "$top/build/tools/bin/pip" -q install 'meson>=1.0' || die "pip could not install meson 1.0 or newer"
}

# Homebrew keeps these out of pkg-config's way.
homebrew_modules() {
    command -v brew >/dev/null || return 0
    for one in openblas zlib lapack; do
        PKG_CONFIG_PATH=$(brew --prefix)/opt/$one/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
    done
    export PKG_CONFIG_PATH
}

install_needs() { # NEED...
    homebrew_modules
    missing=$(missing_of "$@")
    if [ -n "$missing" ]; then
        with=$(manager)
        [ -n "$with" ] || die "Missing: $missing
No package manager that this script knows (apt, dnf, pacman, apk, brew) is here: install them by hand and run this again."
        wanted=$(packages_of "$with" $missing)
        [ -z "$wanted" ] || install_packages "$with" $wanted
        missing=$(missing_of "$@")
    fi
    [ -z "$missing" ] || die "Still missing: $missing
(On macOS the compiler comes with:  xcode-select --install)"
    find_meson || meson_by_pip "$(manager)"
    find_meson
}

# ---- Building ----

# Runs a command with its output in LOG, which is shown only when it fails.
quietly() { # LOG COMMAND...
    log=$1
    shift
    "$@" >"$log" 2>&1 || {
        cat "$log" >&2
        die "failed: $*"
    }
}

configure() { # BUILD_DIR OPTION...
    directory=$1
    shift
    mkdir -p "$directory"
    if [ -f "$directory/build.ninja" ]; then set -- --reconfigure "$@"; fi
    quietly "$directory/setup.log" "$meson" setup "$directory" "$top" "$@"
}
