"""Events about evaluations of placements."""

from typing import ClassVar

from pydantic import Field

from medtrack_cli.events.envelope import Payload
from medtrack_cli.events.formats import Score, Uuid


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
