"""Events about user accounts."""

from typing import ClassVar

from pydantic import Field

from medtrack_cli.events.envelope import Payload
from medtrack_cli.events.formats import Email, FamilyName, GivenName, Role, Uuid


class UserCreated(Payload):
    """A user account has been created."""

    event_type = "user.created"
    colour = "magenta"
    published_by = "the service that registers users"
    reactions: ClassVar = {
        "PROFILE": "may create the profile",
        "COMM": "logs the creation",
    }

    user_id: Uuid = Field(description="the user account")
    email: Email = Field(description="where the user is written to")
    role: Role = Field(description="what the user is, such as student")
    first_name: GivenName = Field(description="the given name")
    last_name: FamilyName = Field(description="the family name")
