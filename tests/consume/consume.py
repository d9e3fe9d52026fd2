#!/usr/bin/env python3
"""Installs the library and uses it as a stranger would.

    consume.py installed MESON BUILD_DIR VERSION LANGUAGE=COMPILER...    through pkg-config, shared and static, C and C++;
                                                                         cmake=COMMAND: through CMake's find_package too
    consume.py subproject MESON SOURCE_ROOT CBLAS CBLAS_DEP              as a meson subproject
    consume.py python|rust MESON BUILD_DIR COMPILER                      that example, its structs and its test

COMPILER is a command in one word, arguments separated by "|". Status 77: what is needed is not here.
"""
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import layout

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES = HERE.parent.parent / "examples"
SUFFIX = {"c": ".c", "c++": ".cpp"}
STANDARD = {"c": "-std=c99", "c++": "-std=c++11"}
FLAGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
PARENT = """project('parent', 'c', meson_version: '>=1.0.0')
dep = dependency('libautoenc', fallback: ['libautoenc'], required: true)
test('consumer', executable('consumer', 'consumer.c', dependencies: dep))
"""


CMAKE_PARENT = """cmake_minimum_required(VERSION 3.5)
project(parent C)
find_package(autoenc 99 QUIET)
if(autoenc_FOUND)
  message(FATAL_ERROR "version 99 was found")
endif()
find_package(autoenc %s REQUIRED)
add_executable(shared consumer.c)
target_link_libraries(shared autoenc::autoenc)
add_executable(static consumer.c)
target_link_libraries(static autoenc::static)
"""


def run(*command, **more):
    result = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            **more)
    if result.returncode != 0:
        sys.exit("%s\n%s\nfailed with %d" % (" ".join(str(word) for word in command), result.stdout, result.returncode))
    return result.stdout.strip()


def installed_environment(prefix):
    """No pkg-config module but the installed one: a consumer need not have what the library was built with."""
    folders = sorted(path.parent for path in prefix.rglob("libautoenc.pc"))
    libraries = sorted(path.parent for path in prefix.rglob("libautoenc.so.*")) + \
        sorted(path.parent for path in prefix.rglob("libautoenc*.dylib"))
    if not folders or not libraries:
        sys.exit("no libautoenc.pc or no shared library below " + str(prefix))
    return dict(os.environ, PKG_CONFIG_LIBDIR=str(folders[0]), PKG_CONFIG_PATH="", PKG_CONFIG_ALLOW_SYSTEM_LIBS="1",
                LD_LIBRARY_PATH=os.pathsep.join(filter(None, [str(libraries[0]), os.environ.get("LD_LIBRARY_PATH")])))


def check_pages(prefix, environment):
    """The manual page and the completions, where the tool is: what it prints itself."""
    tool = prefix / "bin" / "autoenc"
    if not tool.exists():
        return
    for place, words in (("man/man1/autoenc.1", "--man"), ("bash-completion/completions/autoenc.bash", "--completion bash"),
                         ("zsh/site-functions/_autoenc", "--completion zsh"),
                         ("fish/vendor_completions.d/autoenc.fish", "--completion fish")):
        text = (prefix / "share" / place).read_text()
        if text.strip() != run(tool, "help", *words.split(), env=environment) or len(text.splitlines()) < 20:
            sys.exit("%s is not what the tool prints" % place)


def through_cmake(cmake, compiler, prefix, version, work, environment):
    """find_package in a project that knows only the prefix."""
    project = work / "cmake"
    project.mkdir()
    (project / "CMakeLists.txt").write_text(CMAKE_PARENT % version)
    shutil.copy(HERE / "consumer.c", project)
    environment = dict(environment, CC=" ".join(compiler))
    run(cmake, "-G", "Ninja", "-S", project, "-B", project / "build", "-DCMAKE_PREFIX_PATH=" + str(prefix), env=environment)
    run(cmake, "--build", project / "build", env=environment)
    for kind in ("shared", "static"):
        program = project / "build" / kind
        check_linked("cmake", kind, program, environment)
        print("cmake, %s: %s" % (kind, run(program, env=environment)))


def check_linked(how, kind, program, environment):
    loaded = subprocess.run(["ldd", str(program)], capture_output=True, text=True, env=environment).stdout
    if loaded and ("libautoenc" in loaded) != (kind == "shared"):
        sys.exit("%s %s: not linked as meant:\n%s" % (how, kind, loaded))


def check_files(prefix, module, environment):
    """What is installed beside the library, and a module that gives way to another CBLAS."""
    for name in ("COPYING", "autoencConfig.cmake", "autoencConfigVersion.cmake"):
        if next(prefix.rglob(name), None) is None:
            sys.exit("no %s below %s" % (name, prefix))
    words = run(*module, "--define-variable=cblas=-lanother", "--static", "--libs", "libautoenc", env=environment).split()
    if "-lanother" not in words or any("openblas" in word for word in words):
        sys.exit("with another CBLAS the module gives " + " ".join(words))


@contextlib.contextmanager
def staged(meson, build):
    """An installation in a folder of its own: that folder, the prefix, the command pkg-config, the environment."""
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        run(meson, "install", "-C", build, "--no-rebuild", "--destdir", work / "stage")
        prefix = next((work / "stage").rglob("include")).parent
        # The module names the prefix that was configured; destdir put it elsewhere.
        yield work, prefix, ["pkg-config", "--define-variable=prefix=" + str(prefix)], installed_environment(prefix)


def installed(meson, build, version, *compilers):
    with staged(meson, build) as (work, prefix, module, environment):
        check_pages(prefix, environment)
        if run(*module, "--modversion", "libautoenc", env=environment) != version:
            sys.exit("the module's version is not " + version)
        check_files(prefix, module, environment)
        languages = dict(compiler.split("=", 1) for compiler in compilers)
        cmake = languages.pop("cmake", None)
        if cmake is not None:
            through_cmake(cmake, languages["c"].split("|"), prefix, version, work, environment)
        count = 0
        for language, command in languages.items():
            for kind in ("shared", "static"):
                link = ["--libs"] if kind == "shared" else ["--variable=archive"]
                words = run(*module, "--cflags", "libautoenc", env=environment).split()
                words += run(*module, *link, "libautoenc", env=environment).split()
                source = work / ("consumer" + SUFFIX[language])
                shutil.copy(HERE / "consumer.c", source)
                program = work / "consumer"
                run(*command.split("|"), STANDARD[language], *FLAGS, source, "-o", program, *words)
                check_linked(language, kind, program, environment)
                print("%s, %s: %s" % (language, kind, run(program, env=environment)))
                count += 1
        return count


def skip(reason):
    print("skipped: " + reason)
    sys.exit(77)


def check_layout(lines, compiler, module, environment, work):
    words = run(*module, "--cflags", "libautoenc", env=environment).split()
    problems = layout.differences(lines, compiler.split("|"), words, work)
    if problems:
        sys.exit("\n".join(problems))
    print("%d sizes, places and constants are C's" % len(lines.splitlines()))


def with_numpy():
    for interpreter in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([interpreter, "-c", "import numpy"], capture_output=True).returncode == 0:
            return interpreter
    return skip("no python3 here has NumPy")


def python(meson, build, compiler):
    interpreter = with_numpy()
    with staged(meson, build) as (work, _, module, environment):
        environment = dict(environment, PYTHONDONTWRITEBYTECODE="1")
        folder = EXAMPLES / "python"
        check_layout(run(interpreter, folder / "autoenc.py", env=environment), compiler, module, environment, work)
        print(run(interpreter, "-W", "error", folder / "test_autoenc.py", env=environment))
        return 1


def rust(meson, build, compiler):
    if shutil.which("cargo") is None or shutil.which("rustc") is None:
        skip("no rustc and cargo here")
    version = run("rustc", "--version").split()[1]
    if tuple(int(part) for part in version.split(".")[:2]) < (1, 63):
        skip("rustc %s is older than 1.63" % version)
    with staged(meson, build) as (work, _, module, environment):
        environment = dict(environment, PKG_CONFIG_SYSROOT_DIR=str(work / "stage"), CARGO_TARGET_DIR=str(work / "target"))
        words = ["--offline", "--locked", "--quiet", "--manifest-path", EXAMPLES / "rust" / "Cargo.toml"]
        print("rustc %s\n%s" % (version, run("cargo", "test", *words, env=environment)))
        lines = run("cargo", "run", "--example", "layout", *words, env=environment)
        check_layout(lines, compiler, module, dict(environment, PKG_CONFIG_SYSROOT_DIR=""), work)
        return 1


def subproject(meson, source, cblas, cblas_dep):
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        (work / "subprojects").mkdir()
        (work / "subprojects" / "libautoenc").symlink_to(source, target_is_directory=True)
        (work / "meson.build").write_text(PARENT)
        shutil.copy(HERE / "consumer.c", work)
        run(meson, "setup", work / "build", work, "-Doptimization=0", "--force-fallback-for=libautoenc",
            "-Dlibautoenc:cblas=" + cblas, "-Dlibautoenc:cblas_dep=" + cblas_dep)
        run(meson, "compile", "-C", work / "build", "-j", "2")
        run(meson, "test", "-C", work / "build", "--no-rebuild")
        tests = sorted(path.name for path in (work / "build").rglob("*_test"))
        if tests:
            sys.exit("a subproject builds tests: " + ", ".join(tests))
        print("a subproject builds and runs")
        return 1


if __name__ == "__main__":
    modes = {"installed": installed, "subproject": subproject, "python": python, "rust": rust}
    if len(sys.argv) < 4 or sys.argv[1] not in modes:
        sys.exit(__doc__)
    done = modes[sys.argv[1]](*sys.argv[2:])
    sys.exit(0 if done > 0 else 1)
