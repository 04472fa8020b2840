# SPDX-License-Identifier: MIT
"""Conan's recipe: `conan create tools/packaging/conan` (Conan 2)."""
import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy


class BarrowConan(ConanFile):
    name = "barrow"
    version = "0.1.0"
    license = "MIT"
    description = "A malloc replacement with Win32-style private heaps"
    topics = ("malloc", "allocator", "heap", "win32")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False]}
    default_options = {"shared": True}

    def export_sources(self):
        tree = os.path.join(self.recipe_folder, "..", "..", "..")
        for part in ("CMakeLists.txt", "*.md", "LICENSE", "include/*", "lib/*", "tools/*", "docs/*"):
            copy(self, part, tree, self.export_sources_folder)

    def configure(self):
        self.settings.rm_safe("compiler.libcxx")
        self.settings.rm_safe("compiler.cppstd")

    def validate(self):
        if self.settings.os not in ("Linux", "Windows"):
            raise ConanInvalidConfiguration("barrow is for Linux and Windows")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)  # sets BUILD_SHARED_LIBS from the option
        for name in ("BARROW_BUILD_TESTS", "BARROW_BUILD_BENCH", "BARROW_BUILD_TOOLS"):
            toolchain.cache_variables[name] = "OFF"
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        self.cpp_info.libs = ["barrow"]
        self.cpp_info.set_property("cmake_file_name", "barrow")
        self.cpp_info.set_property("cmake_target_name", "barrow::barrow")
        self.cpp_info.set_property("cmake_target_aliases", [] if self.options.shared else ["barrow::static"])
        self.cpp_info.set_property("pkg_config_name", "barrow")
        if self.settings.os == "Linux":
            self.cpp_info.system_libs = ["pthread"]
            if not self.options.shared:
                self.cpp_info.exelinkflags = ["-Wl,--undefined=malloc"]
