"""Events about students."""

from typing import ClassVar

from pydantic import Field

from medtrack_cli.events.envelope import Payload
from medtrack_cli.events.formats import Cin, Email, FamilyName, FieldNames, GivenName, Phone, Uuid

REGISTRATION = "the service that registers students"


class StudentCreated(Payload):
    """A student has been registered."""

    event_type = "student.created"
    colour = "cyan"
    published_by = REGISTRATION
    reactions: ClassVar = {
        "COMM": "sends the student a welcome notification",
        "AUTH": "may create the user account, if there is none",
        "CORE": "initialises the tracking of placements",
    }

    student_id: Uuid = Field(description="the student")
    user_id: Uuid = Field(description="the student's user account")
    cin: Cin = Field(description="the national identity card's number")
    email: Email = Field(description="where the student is written to")
    phone: Phone = Field(description="where the student is called")
    first_name: GivenName = Field(description="the given name")
    last_name: FamilyName = Field(description="the family name")


class StudentUpdated(Payload):
    """Some fields of a student have changed."""

    event_type = "student.updated"
    colour = "cyan"
    published_by = REGISTRATION

    student_id: Uuid = Field(description="the student")
    updated_fields: FieldNames = Field(description="the names of the fields that changed")


class StudentDeleted(Payload):
    """A student has been removed."""

    event_type = "student.deleted"
    colour = "cyan"
    published_by = REGISTRATION

    student_id: Uuid = Field(description="the student")
    user_id: Uuid = Field(description="the student's user account")
