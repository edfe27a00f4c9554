"""Milestone XProtect."""
