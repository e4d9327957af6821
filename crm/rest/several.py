"""Several changes in one transaction: what they are about is found, checked and written together, as far as it can."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import Http404
from rest_framework.exceptions import ValidationError
from rest_framework.serializers import ModelSerializer

from crm.errors import Conflict, Invalid
from crm.rest import writes
from crm.rest.problems import is_passing, problem_of
from crm.rest.serializers import References
from tenants.ledger import together
from tenants.routing import alias

__all__ = ["Task", "perform"]

NOT_THERE = "There is no record with this {external_ref} yet: leave out the version to make one."


@dataclass
class Task:
    """One of the changes: what is to be done, to which record, with what; and what came of it."""

    index: int
    op: str
    # As it was sent; validated it is `data`.
    sent: Any = None
    key: UUID | None = None
    external_ref: str | None = None
    match: str | None = None
    record: Any = None
    data: Any = None
    # The record's version before; a record that is new has none.
    before: int | None = None
    error: Exception | None = None

    @property
    def makes(self) -> bool:
        """Whether it makes a record: there is none to change."""
        return self.op in ("create", "upsert") and self.before is None

    @property
    def outcome(self) -> str:
        """What came of it where it did not fail: created, updated, unchanged or deleted."""
        if self.op == "delete":
            return "deleted"
        return "created" if self.before is None else "unchanged" if self.record.version == self.before else "updated"


def perform(view: Any, tasks: Sequence[Task], *, atomic: bool) -> None:
    """Do the tasks in their order, and leave with each its record or its error.

    With `atomic` it ends at the first that fails, and the caller must roll back. It raises what no task is to blame
    for.
    """
    with together():
        find(view, tasks)
        validate(view, tasks)
        if atomic and failed(tasks):
            return
        for makes, group in groupby((task for task in tasks if task.error is None), lambda task: task.makes):
            group_of = list(group)
            if makes:
                make(view, group_of, atomic=atomic)
            else:
                change(view, group_of, atomic=atomic)
            if atomic and failed(group_of):
                return


def failed(tasks: Sequence[Task]) -> bool:
    """Tell whether one of them did."""
    return any(task.error is not None for task in tasks)


def find(view: Any, tasks: Sequence[Task]) -> None:
    """Lock the records that the tasks are about, by one statement and in one order; note those that are not there."""
    keys = {task.key for task in tasks if task.key}
    refs = {task.external_ref for task in tasks if task.external_ref is not None}
    wanted = (Q(pk__in=keys) if keys else Q()) | (Q(external_ref__in=refs) if refs else Q())
    rows = view.get_queryset().filter(wanted).order_by("pk").select_for_update() if wanted else ()
    known: dict[Any, Any] = {}
    for record in rows:
        writes.hold(record)
        known[record.pk] = known[getattr(record, "external_ref", None)] = record
    taken: dict[UUID, int] = {}
    for task in tasks:
        named = task.key or task.external_ref
        if task.op != "create" and task.error is None:
            meet(task, known.get(named) if named is not None else None)
        if task.record is not None and taken.setdefault(task.record.pk, task.index) != task.index:
            message = f"The record of operation {taken[task.record.pk]}: send one operation for each record."
            raise Invalid(message, f"operations.{task.index}.{'id' if task.key else 'external_ref'}")


def meet(task: Task, record: Any) -> None:
    """Give a task the record that it names, at the version that it expects."""
    if record is None and task.op != "upsert":
        task.error = Http404()
    elif record is None and task.match is not None:
        task.error = Conflict(NOT_THERE, status=412, code="PRECONDITION_FAILED")
    elif record is not None:
        task.record, task.before = record, record.version
        try:
            writes.check_match(task.match, record)
        except Conflict as error:
            task.error = error


def validate(view: Any, tasks: Sequence[Task]) -> None:
    """Validate what the tasks bring, references of all of them by one statement a model."""
    waiting = [task for task in tasks if task.error is None and task.op != "delete"]
    if not waiting:
        return
    references = References()
    context = {"tenant": view.tenant, "contract": view.contract, "request": view.request, "references": references}
    # Making a serializer costs more than using it: one for all that is new, one for all that is there.
    new, there = (view.serializer_class(None, partial=partial, context=context) for partial in (False, True))
    for _ in range(2):
        for task in waiting:
            serializer: Any = new if task.makes else there
            serializer.instance, task.error = task.record, None
            try:
                # Not the serializer's own way, which looks the references of each body up by themselves.
                task.data = dict(ModelSerializer.run_validation(serializer, task.sent))
            except ValidationError as error:
                task.error = error
        if not references.look_up(view.tenant):
            return


def make(view: Any, tasks: Sequence[Task], *, atomic: bool) -> None:
    """Create records, all in few statements; where that fails, each half by itself, until it is known which cannot."""
    several: Callable[[Any, Any], Any] | None = getattr(type(view).make, "several", None)
    middle = len(tasks) // 2
    parts: tuple[Sequence[Task], ...] = (tasks[:middle], tasks[middle:])
    if len(tasks) == 1 or several:
        bodies = [task.data for task in tasks]
        error, made = attempt(view, lambda: several(view, bodies) if several else [view.make(bodies[0])])
        if error is None:
            for task, record in zip(tasks, made, strict=True):
                task.record = record
            return
        if met := meet_again(view, tasks, error):
            change(view, [task for task in met if task.error is None], atomic=atomic)
            parts = ([task for task in tasks if task.makes],)
        elif len(tasks) == 1:
            tasks[0].error = error
            return
    for part in parts:
        if part and not (atomic and failed(tasks)):
            make(view, part, atomic=atomic)


def meet_again(view: Any, tasks: Sequence[Task], error: Exception) -> list[Task]:
    """Return the upserts whose records another one has just made, ready to change those."""
    asked = [task for task in tasks if task.op == "upsert" and isinstance(error, IntegrityError)]
    find(view, asked)
    met = [task for task in asked if task.record is not None]
    validate(view, met)
    return met


def change(view: Any, tasks: Sequence[Task], *, atomic: bool) -> None:
    """Change or delete records, each by itself."""
    for task in tasks:
        act = view.remove if task.op == "delete" else view.change
        arguments = (task.record,) if task.op == "delete" else (task.record, task.data)
        task.error, _ = attempt(view, lambda: act(*arguments))  # noqa: B023  called at once
        if atomic and task.error is not None:
            return


def attempt(view: Any, act: Callable[[], Any]) -> tuple[Exception | None, Any]:
    """Return what `act` returns, or the error for which a caller is to blame, with nothing of it done."""
    try:
        with transaction.atomic(using=alias()), together():
            return None, act()
    except Exception as error:
        if is_passing(error) or problem_of(error, view.contract, view.model).status >= 500:
            raise
        return error, None
