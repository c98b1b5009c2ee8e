"""Instruction tables: what a data set's annotations become before a model learns from them."""
