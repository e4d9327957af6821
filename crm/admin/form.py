"""The form of a record: the serializer decides what it shows, and the resource's rules what it may save."""

from typing import Any, ClassVar

from django import forms
from django.db import DataError, IntegrityError
from django.http import HttpRequest
from rest_framework import serializers

from crm.admin.controls import JOINT, Control, controls_of
from crm.admin.desk import Desk, create, desk_of, update
from crm.errors import InUse, Refusal
from crm.rest.contract import CANONICAL
from crm.rest.fields import ReferenceField
from crm.rest.problems import problem_of
from crm.rest.viewset import ResourceViewSet
from tenants.admin.widgets import let_search
from tenants.models import Tenant
from tenants.staff import actor_of

__all__ = ["REFUSALS", "RecordForm", "form_of"]

# Every way in which a rule, a serializer or the database refuses a change.
REFUSALS = (serializers.ValidationError, Refusal, InUse, IntegrityError, DataError)


class RecordForm(forms.ModelForm):  # type: ignore[type-arg]
    """A record in a person's hands. Saving is the last step of validation: a rule may still refuse."""

    desk: ClassVar[type[Desk]]
    controls: ClassVar[dict[str, Control]]
    request: HttpRequest
    tenant: Tenant

    version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.adding = self.instance._state.adding  # noqa: SLF001
        self.shape = self.desk.serializer_class()
        for name, control in self.controls.items():
            self.fields[name] = control.make()
            self.initial.setdefault(name, control.show(self.stored(name)))
        self.initial["version"] = str(self.instance.version)
        self.bind_references()

    def stored(self, name: str) -> Any:
        """Return the record's value for a form field, for a new record the default."""
        outer, _, inner = name.partition(JOINT)
        field = self.shape.fields[outer]
        value = getattr(self.instance, field.source)
        if not inner:
            return value
        return (value or {}).get(field.fields[inner].source)

    def bind_references(self) -> None:
        """Let references choose among the tenant's own rows."""
        for name, field in self.shape.fields.items():
            if name in self.controls and isinstance(field, ReferenceField):
                rows = field.model.every_tenant.filter(tenant=self.tenant)
                relation = self._meta.model._meta.get_field(field.source)
                let_search(self.fields[name], rows, relation, {"tenant": self.tenant.pk})

    def body(self) -> dict[str, Any]:
        """Return what changed as the body of a request, in canonical names; of a new record all that was filled in."""
        moved = [name for name in self.controls if name in self.changed_data or (self.adding and self.filled(name))]
        return {outer: self.value_of(outer) for outer in dict.fromkeys(name.partition(JOINT)[0] for name in moved)}

    def filled(self, name: str) -> bool:
        value = self.cleaned_data.get(name)
        if value is False:
            # A box that nobody touched says no only where something was there to be denied.
            return name in self.changed_data or self.stored(name) is not None
        return value not in (None, "")

    def value_of(self, outer: str) -> Any:
        """Return the value of one field of the body; a structure goes whole, and empty it is none."""
        if outer in self.controls:
            return self.sent(outer)
        parts = [name for name in self.controls if name.startswith(f"{outer}{JOINT}")]
        if not any(self.filled(name) for name in parts):
            return None
        return {name.partition(JOINT)[2]: self.sent(name) for name in parts if self.filled(name)}

    def sent(self, name: str) -> Any:
        control = self.controls[name]
        return control.send(self.cleaned_data[name]) if self.filled(name) else control.empty

    def _post_clean(self) -> None:
        """Write the record in place of Django's own checks, and put every refusal where it belongs."""
        if self.errors:
            return
        actor = actor_of(self.request, self.tenant)
        try:
            if self.adding:
                self.instance = create(self.desk, self.body(), actor=actor)
            else:
                version = self.cleaned_data["version"]
                update(self.desk, self.instance, self.body(), actor=actor, version=version)
        except REFUSALS as error:
            self.refuse(error)

    def refuse(self, error: Exception) -> None:
        """Show a refusal at its fields, or above all of them."""
        problem = problem_of(error, CANONICAL, self.desk.model)
        placed = False
        for path, messages in problem.fields.items():
            name = self.place(path)
            placed = placed or name is not None
            self.add_error(name, messages if name else f"{path}: {' '.join(messages)}")
        if not placed and not problem.fields:
            self.add_error(None, problem.message)

    def place(self, path: str) -> str | None:
        """Return the form field of a dotted path."""
        outer, _, rest = path.partition(".")
        joined = f"{outer}{JOINT}{rest.partition('.')[0]}"
        return next((name for name in (joined, outer) if name in self.fields), None)


def form_of(view: type[ResourceViewSet]) -> type[RecordForm]:
    """Return the form class of a resource."""
    meta = type("Meta", (), {"model": view.model, "fields": ()})
    controls = controls_of(view.serializer_class())
    return type(f"{view.__name__}Form", (RecordForm,), {"Meta": meta, "desk": desk_of(view), "controls": controls})
