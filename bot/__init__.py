"""RexLapis Bot: a self-hosted grid trader. This package knows no chat and never imports telegram."""

__version__ = "0.1.0"
