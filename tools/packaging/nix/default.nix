# SPDX-License-Identifier: MIT
# `nix-build tools/packaging/nix`
{ pkgs ? import <nixpkgs> { } }:

pkgs.stdenv.mkDerivation {
  pname = "barrow";
  version = "0.1.0";
  src = pkgs.lib.cleanSource ../../..;
  nativeBuildInputs = [ pkgs.cmake pkgs.pkg-config ];
  buildInputs = [ pkgs.cairo pkgs.elfutils pkgs.ncurses ]; # barrow map's pictures, symbolize, top
  cmakeFlags = [ "-DBARROW_BUILD_TESTS=OFF" ];
  meta = {
    description = "A malloc replacement with Win32-style private heaps";
    license = pkgs.lib.licenses.mit;
    platforms = [ "x86_64-linux" "aarch64-linux" ];
    mainProgram = "barrow";
  };
}
