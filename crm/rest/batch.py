"""Several changes in one call, and one that makes a record or changes it: how they are asked for and answered."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar

from django.http import Http404, HttpResponse
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from apikeys.errors import MissingScope
from apikeys.limits import take, windows_of
from apikeys.scopes import allows
from crm.errors import Problem, Refusal
from crm.rest import writes
from crm.rest.bodies import answer
from crm.rest.filters import refuse
from crm.rest.metadata import telling
from crm.rest.problems import problem_of, throttled
from crm.rest.query import single
from crm.rest.several import Task, perform
from crm.rest.writes import one_write
from tenants import ids

__all__ = ["ADDRESSES", "MAX_OPERATIONS", "REF", "TAKES", "Batches"]

MAX_OPERATIONS = 100
REF = "external_ref"
# What each operation holds besides its `op`; who has a choice of names gives one of them.
TAKES = {
    "create": ("data",),
    "update": ("id", REF, "version", "data"),
    "upsert": (REF, "version", "data"),
    "delete": ("id", REF, "version"),
}
ADDRESSES = ("id", REF)
together: Callable[[Any], Any] = action(detail=False, methods=["post"])


class Batches:
    """What a resource offers besides its single calls: many of them in one, and one that finds out which it is."""

    singles: ClassVar[Mapping[str, Any]] = {}
    counted = False

    @classmethod
    def operations(cls: Any) -> tuple[str, ...]:
        """Return what a batch can hold: what the contract offers one by one, answered in the usual way."""
        usual = {
            op: call.__name__ in cls.methods and getattr(cls, call.__name__) is call for op, call in cls.singles.items()
        }
        both = all(usual.get(op) for op in ("create", "update"))
        usual["upsert"] = both and cls.contract.wire(REF) in cls.plan.names
        return tuple(op for op in TAKES if usual.get(op))

    def make_many(self: Any, bodies: Sequence[dict[str, Any]]) -> Sequence[Any]:
        """Create the records of several validated bodies, all or none, and return them."""
        records = [self.model(**data, **self.only) for data in bodies]
        for record in records:
            self.settle(record)
        writes.create_many(records, actor=self.actor)
        return records

    @telling(fails=(404, 412))
    @together
    @one_write
    def batch(self: Any, request: Request) -> HttpResponse:
        """Do up to 100 operations in one call.

        Each has a result, in the order of the operations: what the single call would answer, with its status. With
        `atomic` all are done or none: where one fails, the answer is its failure, which says what became of each.
        Without, each is done or fails by itself, and the answer is a 200 whatever came of them.

        Each operation counts as a request, and no record may be in two. To delete takes the scope of DELETE, too.
        """
        atomic, tasks = read(self, self.read_object())
        if any(task.op == "delete" for task in tasks) and not allows(self.credential.scopes, self.scope("delete")):
            raise MissingScope(self.scope("delete"))
        count(self, len(tasks))
        perform(self, tasks, atomic=atomic)
        lost = sum(task.error is not None for task in tasks)
        if atomic and lost:
            raise undone(self, tasks)
        results = [result(self, task) for task in tasks]
        return answer(self.contract.envelope(data={"succeeded": len(tasks) - lost, "failed": lost, "results": results}))

    @telling(fails=(412,))
    @one_write
    def upsert(self: Any, request: Request) -> HttpResponse:
        """Create or change the record with this {external_ref}; `outcome` says what was done.

        A change is partial, as PATCH is; a new record must have what POST asks for. Many at once make one record.
        """
        wire, query = self.contract.wire(REF), single(request._request.GET)
        if unknown := [name for name in query if name != wire]:
            raise wrong(unknown[0], f"Unknown parameter. Known: {wire}.")
        if wire not in query:
            raise wrong(wire, f"Required: say which record it is, like ?{wire}=A-1042.")
        ref = reference(self, query[wire], wire)
        data = with_reference(self.read_object(), wire, ref, query[wire], wire)
        task = Task(0, "upsert", data, external_ref=ref, match=request.headers.get("If-Match"))
        perform(self, [task], atomic=True)
        if task.error is not None:
            raise task.error
        made = task.outcome == "created"
        return self.show(task.record, status=201 if made else 200, outcome=task.outcome)  # type: ignore[no-any-return]


def wrong(path: str, message: str) -> Refusal:
    """Return the 400 for a part of the request that does not fit, to raise."""
    return refuse(path, message, code="VALIDATION_ERROR")


def read(view: Any, body: Mapping[str, Any]) -> tuple[bool, list[Task]]:
    """Return whether all or none are to be done, and the tasks; raise a 400 that names what does not fit."""
    if unknown := [name for name in body if name not in ("atomic", "operations")]:
        raise wrong(unknown[0], "Unknown field. Known: atomic, operations.")
    operations, atomic = body.get("operations"), body.get("atomic", False)
    if not isinstance(atomic, bool):
        raise wrong("atomic", "Must be true or false.")
    if not isinstance(operations, list) or not 0 < len(operations) <= MAX_OPERATIONS:
        raise wrong("operations", f"Must be a list of 1 to {MAX_OPERATIONS} operations.")
    tasks = [read_task(view, index, operation) for index, operation in enumerate(operations)]
    taken: dict[Any, int] = {}
    for task in tasks:
        name = task.key or task.external_ref
        if name and taken.setdefault(name, task.index) != task.index:
            path = view.contract.path(f"operations.{task.index}.{'id' if task.key else REF}")
            raise wrong(path, f"The record of operation {taken[name]}: send one operation for each record.")
    return atomic, tasks


def read_task(view: Any, index: int, sent: Any) -> Task:
    """Return one operation as a task; its fields are looked at later, together with the others'."""
    at, known, wire = f"operations.{index}", view.operations(), view.contract.wire
    if not isinstance(sent, dict):
        raise wrong(at, "Must be a JSON object.")
    op = sent.get("op")
    if not isinstance(op, str) or op not in known:
        raise wrong(f"{at}.op", f"Must be one of: {', '.join(known)}.")
    names = {wire(name): name for name in TAKES[op] if name != REF or wire(REF) in view.plan.names}
    if unknown := [name for name in sent if name not in names and name != "op"]:
        raise wrong(f"{at}.{unknown[0]}", f"{op} does not take it. Known: op, {', '.join(names)}.")
    given = {name: sent[word] for word, name in names.items() if word in sent}
    task = Task(index, op, given.get("data"), match=version(given, at))
    name_record(view, task, given, at, [word for word, name in names.items() if name in ADDRESSES])
    if "data" in TAKES[op] and not isinstance(task.sent, dict):
        raise wrong(f"{at}.data", "Required: the record's fields, as a JSON object.")
    if op == "upsert":
        task.sent = with_reference(task.sent, wire(REF), task.external_ref, given[REF], f"{at}.data.{wire(REF)}")
    return task


def with_reference(sent: Any, wire: str, found: Any, given: Any, path: str) -> dict[str, Any]:
    """Return the fields with the reference that they go by; raise where they hold another one."""
    if sent.get(wire, found) not in (found, given):
        raise wrong(path, "Not the reference that it goes by: leave it out here.")
    return {**sent, wire: found}


def version(given: Mapping[str, Any], at: str) -> str | None:
    """Return the version that the record must have, as If-Match says it."""
    found = given.get("version")
    if found is not None and (isinstance(found, bool) or not isinstance(found, int) or found < 1):
        raise wrong(f"{at}.version", "Must be a whole number: the one in the record's ETag.")
    return None if found is None else f'"{found}"'


def name_record(view: Any, task: Task, given: Mapping[str, Any], at: str, ways: Sequence[str]) -> None:
    """Note which record the task is about, by one name."""
    if not ways:
        return
    named = [name for name in ADDRESSES if name in given]
    if len(named) != 1:
        raise wrong(f"{at}.{ways[0]}", f"Send {' or '.join(ways)}, {'not both' if named else 'to say which record'}.")
    path, text = view.contract.path(f"{at}.{named[0]}"), given[named[0]]
    if not isinstance(text, str):
        raise wrong(path, "Must be a string.")
    if named[0] == REF:
        task.external_ref = reference(view, text, path)
        return
    try:
        task.key = view.key(text)
    except Http404 as error:
        # What cannot be an id is not found, as in a path.
        task.error = error


@lru_cache(maxsize=256)
def reference_field(kind: Any, wire: str) -> Any:
    """Return the field by which a serializer reads the reference; to make it takes longer than all of an operation."""
    return kind().fields[wire]


def reference(view: Any, text: str, path: str) -> str:
    """Return an external reference as its field keeps it."""
    try:
        found = reference_field(view.serializer_class, view.contract.wire(REF)).run_validation(text)
    except ValidationError as error:
        raise wrong(path, str(error.detail[0])) from error  # type: ignore[index]
    if not found:
        raise wrong(path, "Must not be empty.")
    return str(found)


def count(view: Any, operations: int) -> None:
    """Take the operations from the caller's windows, all or none and once: the call itself was the first of them."""
    if view.counted or operations == 1:
        return
    view.counted, contract = True, view.contract
    windows = windows_of(view.credential, contract.windows, contract.limits)
    view.usages = take(view.credential.subject, windows, operations - 1)
    for usage in view.usages:
        if usage.refused:
            problem = throttled(usage, time.time()).problem
            message = f"The {operations} operations are more than is left of the limit. {problem.message}"
            raise Refusal(replace(problem, message=message))


def result(view: Any, task: Task) -> dict[str, Any]:
    """Return what came of one operation, as the single call would answer, with its place and its status."""
    contract, record = view.contract, task.record
    if task.error is not None:
        problem = problem_of(task.error, contract, view.model)
        request_id = getattr(view.request, "request_id", "")
        return {"index": task.index, "status": problem.status, **contract.errors.body(problem, contract, request_id)}
    told = {"outcome": task.outcome, "id": ids.encode(view.prefix, record.pk), "version": record.version}
    shown = {} if task.op == "delete" else {"data": view.plan.of_instance(record)}
    status = 201 if task.outcome == "created" else 200
    return {"index": task.index, "status": status, **contract.envelope(**told, **shown)}


def undone(view: Any, tasks: Sequence[Task]) -> Refusal:
    """Return the failure of an atomic batch: that of its first operation that failed, and what became of each."""
    lost = [
        (f"operations.{task.index}", problem_of(task.error, view.contract, view.model)) for task in tasks if task.error
    ]
    fields: dict[str, list[str]] = {}
    for at, problem in lost:
        fields |= {f"{at}.data.{name}": told for name, told in problem.fields.items()} or {at: [problem.message]}
    results = [
        result(view, task) if task.error else {"index": task.index, "status": 424, "outcome": "rolled_back"}
        for task in tasks
    ]
    at, first = lost[0]
    message, details = f"{at}: {first.message} Nothing was changed.", {**first.details, "results": results}
    return Refusal(Problem(first.status, first.code, message, fields, details, first.headers))
