"""Repair and guard beside their controls."""
