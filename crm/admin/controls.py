"""From a serializer's fields to a form's: what a person types becomes the body that a program would have sent."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson
from django import forms
from rest_framework import serializers
from unfold.widgets import (
    INPUT_CLASSES,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from crm.errors import Refusal
from crm.rest import fields as own
from crm.rest.bodies import parse_json
from crm.rest.serializers import Shape
from tenants import ids

__all__ = ["JOINT", "Control", "controls_of"]

# Stands between a structure and its part in the name of a form field.
JOINT = "__"
LONG = 500
DAY = {"type": "date", "class": " ".join(INPUT_CLASSES)}


def same(value: Any) -> Any:
    return value


class Control(NamedTuple):
    """One form field: how to make it, how a stored value is shown in it, how its value goes into a body."""

    make: Callable[[], forms.Field]
    show: Callable[[Any], Any] = same
    send: Callable[[Any], Any] = same
    # What an empty field stands for in the body.
    empty: Any = None


class JsonField(forms.CharField):
    """JSON as text, read by the API's own parser."""

    def clean(self, value: Any) -> Any:
        """Return the parsed value; an empty text is none."""
        text = super().clean(value)
        try:
            return parse_json(text.encode()) if text else None
        except Refusal as error:
            raise forms.ValidationError(error.problem.message.replace("The body", "The text")) from error


def json_text(value: Any) -> str:
    return "" if value in (None, {}, []) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def common(field: Any) -> dict[str, Any]:
    """Return what every form field takes over from its serializer field."""
    label = str(field.label or field.field_name).replace("_", " ")
    return {
        "required": bool(field.required),
        "help_text": field.help_text or "",
        "label": (label.removesuffix(" id") if isinstance(field, own.ReferenceField) else label).capitalize(),
    }


def text(field: Any) -> Control:
    most = getattr(field, "max_length", None)
    widget = UnfoldAdminTextareaWidget(attrs={"rows": 4}) if (most or 0) > LONG else UnfoldAdminTextInputWidget()
    return Control(
        lambda: forms.CharField(max_length=most, widget=widget, **common(field)),
        show=lambda value: "" if value is None else value,
        empty=None if field.allow_null else "",
    )


def whole(field: Any) -> Control:
    bounds = {"min_value": field.min_value, "max_value": field.max_value}
    return Control(lambda: forms.IntegerField(widget=UnfoldAdminIntegerFieldWidget(), **bounds, **common(field)))


def decimal(field: Any) -> Control:
    widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"})
    return Control(
        lambda: forms.CharField(widget=widget, **common(field)),
        show=lambda value: "" if value is None else format(value, "f"),
    )


def truth(field: Any) -> Control:
    options = {**common(field), "required": False}
    return Control(lambda: forms.BooleanField(widget=UnfoldBooleanSwitchWidget(), **options))


def choice(field: Any) -> Control:
    blank = [] if field.required else [("", "-")]
    choices = [*blank, *field.choices.items()]
    return Control(lambda: forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget(), **common(field)))


def day(field: Any) -> Control:
    widget = forms.DateInput(attrs=DAY, format="%Y-%m-%d")
    return Control(
        lambda: forms.DateField(widget=widget, **common(field)), send=lambda value: value and value.isoformat()
    )


def words(field: Any) -> Control:
    """Return a control for a list of texts: one line, with commas between them."""
    options = common(field)
    options["help_text"] = f"{options['help_text']} Separate them by commas."
    return Control(
        lambda: forms.CharField(widget=UnfoldAdminTextInputWidget(), **options),
        show=lambda value: ", ".join(value or ()),
        send=lambda value: [word.strip() for word in value.split(",") if word.strip()],
        empty=[],
    )


def document(field: Any) -> Control:
    widget = UnfoldAdminTextareaWidget(attrs={"rows": 5, "spellcheck": "false", "class": "kith-code"})
    empty: Any = [] if isinstance(field, serializers.ListSerializer | serializers.ListField) else {}
    return Control(lambda: JsonField(widget=widget, **common(field)), show=json_text, empty=empty)


def reference(field: Any) -> Control:
    """Return a control for another record; the form binds it to the tenant's rows."""
    return Control(
        lambda: forms.ModelChoiceField(field.model.every_tenant.none(), **common(field)),
        send=lambda record: ids.encode(field.prefix, record.pk),
    )


CONTROLS: Mapping[type, Callable[[Any], Control]] = {
    own.ReferenceField: reference,
    own.DecimalField: decimal,
    own.TagsField: words,
    serializers.ListSerializer: document,
    serializers.ListField: document,
    serializers.JSONField: document,
    serializers.BooleanField: truth,
    serializers.IntegerField: whole,
    serializers.ChoiceField: choice,
    serializers.DateField: day,
    serializers.CharField: text,
    serializers.Field: text,
}


def control_of(field: Any) -> Control:
    """Return a field's control, by its class."""
    return next(CONTROLS[kind](field) for kind in type(field).__mro__ if kind in CONTROLS)


def controls_of(serializer: Any) -> dict[str, Control]:
    """Return the controls of a serializer's writable fields; those of a structure stand one by one."""
    found: dict[str, Control] = {}
    for name, field in serializer.fields.items():
        if field.read_only:
            continue
        if isinstance(field, Shape):
            found |= {f"{name}{JOINT}{part}": control_of(inner) for part, inner in field.fields.items()}
        else:
            found[name] = control_of(field)
    return found
