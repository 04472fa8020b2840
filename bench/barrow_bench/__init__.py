# SPDX-License-Identifier: MIT
"""Measures memory allocators side by side: the driver behind `barrow bench`."""
