"""Loose depth proxies: simple solids and meshes that say roughly where a subject is; files, brushes, fitting."""
