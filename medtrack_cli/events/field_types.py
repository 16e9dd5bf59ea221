"""The types of payload fields, made of the formats; import pydantic."""

from typing import Annotated

from pydantic import Field

from medtrack_cli.events.formats import (
    CIN,
    DATE,
    EMAIL,
    FAMILY_NAMES,
    GIVEN_NAMES,
    PHONE,
    TIMESTAMP,
    UUID,
    Mark,
)
from medtrack_cli.events.versions import VERSION

Uuid = Annotated[str, Field(pattern=UUID, json_schema_extra={"format": "uuid"})]
Date = Annotated[str, Field(pattern=DATE, json_schema_extra={"format": "date"})]
Timestamp = Annotated[str, Field(pattern=TIMESTAMP)]
Email = Annotated[str, Field(pattern=EMAIL), Mark.PERSONAL]
Phone = Annotated[str, Field(pattern=PHONE), Mark.PERSONAL]
Cin = Annotated[str, Field(pattern=CIN), Mark.PERSONAL]
GivenName = Annotated[str, Field(examples=GIVEN_NAMES), Mark.PERSONAL]
FamilyName = Annotated[str, Field(examples=FAMILY_NAMES), Mark.PERSONAL]
Role = Annotated[str, Field(examples=["student", "encadrant", "admin"]), Mark.WORD]
FieldNames = Annotated[
    list[str],
    Field(min_length=1, examples=[["email"], ["phone", "email"], ["first_name", "last_name"]]),
    Mark.FIELD_NAME,
]
Version = Annotated[str, Field(pattern=VERSION)]
Score = Annotated[float, Field(ge=0, le=100)]
