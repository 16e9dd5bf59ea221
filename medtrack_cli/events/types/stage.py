"""Events about placements (stages)."""

from typing import ClassVar, cast

from pydantic import Field

from medtrack_cli.events.envelope import Payload
from medtrack_cli.events.formats import Date, Uuid

PLACEMENT = "the service that manages placements"


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
