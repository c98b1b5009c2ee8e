"""Hawkeye: discovering and grounding implicit anomalous sentiment in recon-videos (ACM MM 2024)."""

__version__ = "0.1.0"
