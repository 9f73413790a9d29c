"""A job as it is sent: Workato's job body, as its job history streaming gives it.

Both forms are taken, that of 2018 and that of 2019, which has `action_count` and, in its steps,
`error` and `line_stat`. Two fields are our own and no part of that body: `recipe_name`, which
Workato's does not say, and `is_test`.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from trailkeeper.activity import Id, Name

BODY_MAX_BYTES = 32 * 1024 * 1024
"""Longest JSON of a job without its steps."""

LINES_MAX_BYTES = 40_000_000
"""Longest JSON of a job's steps, as it is kept."""

LINES_TOO_LONG = "Log lines exceed size limit"
"""What stands instead of steps that are longer; Workato's words."""

NUMBER_MAX = 2**63 - 1

JobId = Annotated[int, Meta(ge=0, le=NUMBER_MAX)] | Id
"""Workato's are numbers, those of others may be text; 100 and "100" are the same id."""


class StepInput(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """One step of a job. With `mask_data` its `input` and `output` are not kept."""

    recipe_line_number: int | UnsetType = UNSET
    adapter_name: Name | UnsetType | None = UNSET
    adapter_operation: Name | UnsetType | None = UNSET
    input: Any = UNSET
    output: Any = UNSET
    error: Any = UNSET
    mask_data: bool | UnsetType = UNSET
    line_stat: dict[str, Any] | UnsetType | None = UNSET


class JobInput(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A job, or news of one: fields that are left out stay as they are.

    `flow_id` is the recipe and needed when the id is new. Times are RFC 3339 with an offset;
    without `started_at` a job began, and without `completed_at` it ended, when that was received.
    """

    id: JobId
    flow_id: JobId | UnsetType = UNSET
    parent_id: JobId | UnsetType | None = UNSET
    calling_job_id: JobId | UnsetType | None = UNSET
    status: str
    started_at: str | UnsetType | None = UNSET
    completed_at: str | UnsetType | None = UNSET
    error_type: str | UnsetType | None = UNSET
    error: str | UnsetType | None = UNSET
    title: str | UnsetType | None = UNSET
    is_poll_error: bool | UnsetType | None = UNSET
    action_count: int | UnsetType | None = UNSET
    report: dict[str, Any] | UnsetType | None = UNSET
    lines: list[msgspec.Raw] | str | UnsetType | None = UNSET
    recipe_name: Annotated[str, Meta(min_length=1, max_length=1_024)] | UnsetType = UNSET
    is_test: bool | UnsetType = UNSET
