"""The user's configuration file, made."""

from medtrack_cli.config.places import create_user_config

__all__ = ["create_user_config"]
