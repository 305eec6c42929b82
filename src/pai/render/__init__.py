"""Desired objects of an engine, built from an `Agent`. Pure; one package an engine."""
