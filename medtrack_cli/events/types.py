"""The built-in event types, in the order in which they are listed."""

from typing import ClassVar, cast

from pydantic import Field

from medtrack_cli.events.envelope import Payload
from medtrack_cli.events.field_types import (
    Cin,
    Date,
    Email,
    FamilyName,
    FieldNames,
    GivenName,
    Phone,
    Role,
    Score,
    Uuid,
)

REGISTRATION = "the service that registers students"
PLACEMENT = "the service that manages placements"


def payloads() -> list[type[Payload]]:
    """Give the payload of each type, in the order below."""
    return Payload.__subclasses__()


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


class StageCreated(Payload):
    """A placement has been created for a student."""

    event_type = "stage.created"
    colour = "green"
    published_by = PLACEMENT
    reactions: ClassVar = {
        "COMM": "notifies the student",
        "EVAL": "creates the evaluation template",
    }

    stage_id: Uuid = Field(description="the placement")
    student_id: Uuid = Field(description="the student")
    offer_id: Uuid = Field(description="the offer it comes from")
    start_date: Date = Field(description="the first day")


class StageAccepted(Payload):
    """A placement has been accepted by its supervisor."""

    event_type = "stage.accepted"
    colour = "green"
    published_by = PLACEMENT
    reactions: ClassVar = {
        "COMM": "sends the student a congratulations notification",
        "MedTrack": "sends the student an e-mail",
    }

    stage_id: Uuid = Field(description="the placement")
    student_id: Uuid = Field(description="the student")
    encadrant_id: Uuid = Field(description="the supervisor")
    start_date: Date = Field(description="the first day")


class StageCompleted(Payload):
    """A placement has been completed."""

    event_type = "stage.completed"
    colour = "green"
    published_by = "MedTrack itself; listen for it"
    emitted_by_medtrack = True

    student_id: Uuid = Field(description="the student")
    completion_date: Date = Field(description="the last day")
    stage_id: Uuid = Field(default=cast("str", None), description="the placement")


class EvaluationCreated(Payload):
    """A student's placement has been evaluated."""

    event_type = "evaluation.created"
    colour = "yellow"
    published_by = "the service that evaluates placements"
    reactions: ClassVar = {
        "COMM": "notifies the student of the evaluation",
        "MedTrack": "saves the score to the student's record",
    }

    evaluation_id: Uuid = Field(description="the evaluation")
    stage_id: Uuid = Field(description="the placement")
    student_id: Uuid = Field(description="the student")
    score: Score = Field(description="from 0 to 100")
