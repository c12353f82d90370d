# SPDX-License-Identifier: MIT
"""What event listeners and other clients import from "supervisor".

The daemon is a native program; this package holds only the client side, under the names
that existing scripts know. See README.md beside it.
"""
