# SPDX-License-Identifier: MIT
# Homebrew on Linux: `brew install --formula --HEAD tools/packaging/homebrew/barrow.rb` from a clone. A release adds
# `url` and `sha256` of its archive.
class Barrow < Formula
  desc "Malloc replacement with Win32-style private heaps, version 0.1.0"
  homepage "file://#{File.expand_path("../../..", __dir__)}"
  license "MIT"
  head "file://#{File.expand_path("../../..", __dir__)}", using: :git

  depends_on "cmake" => :build
  depends_on "pkgconf" => :build
  depends_on "cairo"
  depends_on "elfutils"
  depends_on :linux
  depends_on "ncurses"

  def install
    system "cmake", "-S", ".", "-B", "build", "-DBARROW_BUILD_TESTS=OFF", *std_cmake_args
    system "cmake", "--build", "build"
    system "cmake", "--install", "build"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/barrow version") unless head?
    system bin/"barrow", "run", "--", "true"
  end
end
