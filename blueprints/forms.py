"""What all forms share: they check shape only; whether something is true is a service's answer."""

from collections.abc import Mapping
from typing import Any

from flask import g, request
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField, TextAreaField
from wtforms.meta import DefaultMeta
from wtforms.validators import InputRequired, Length

from services.errors import LoginSessionOver, Refusal


class Form(FlaskForm):  # type: ignore[misc]
    """A form of text fields: uploaded files and control characters have no place in any."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        """Reads ``request.form`` alone, so that a field is never a file."""

        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            """The posted fields, or nothing on a GET."""
            return request.form if request.method == "POST" else None

        def render_field(self, field: Any, render_kw: dict[str, Any]) -> Any:
            """Leave validation to the server: no ``required`` bubbles of the browser's own."""
            render_kw.setdefault("required", False)
            return DefaultMeta.render_field(self, field, render_kw)

    def validate(self, extra_validators: Mapping[str, Any] | None = None) -> bool:
        """Shape, and no control characters in what is not a password."""
        valid = bool(super().validate(extra_validators))
        for field in self:
            if isinstance(field, StringField) and not isinstance(field, PasswordField):
                text = field.data or ""
                if isinstance(field, TextAreaField):  # whose text has lines
                    text = text.replace("\r\n", "").replace("\n", "")
                if any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in text):
                    field.errors = [lazy_gettext("This has characters that cannot be used here.")]
                    valid = False
        return valid

    def take_refusal(self, refusal: Refusal) -> None:
        """Show a service's refusal at its field, or above the form."""
        for part in refusal.parts:
            field = self._fields.get(part.field or "")
            if field is None:
                self.form_errors.append(str(part))
            else:
                field.errors = [*field.errors, str(part)]


class ConfirmForm(Form):
    """A button and nothing else."""


class refusals_on:  # noqa: N801 (reads as the statement it stands in)
    """``with refusals_on(form):`` shows a refusal on the form and gives the page its status.

    But for the end of the login session: then the form is nobody's any more.
    """

    def __init__(self, form: Form) -> None:
        self.form = form

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if not isinstance(error, Refusal) or isinstance(error, LoginSessionOver):
            return False
        g.refusal = error
        self.form.take_refusal(error)
        return True


def required(sentence: Any) -> InputRequired:
    """A field that must not be empty, with the sentence that says so."""
    return InputRequired(sentence)


def at_most(characters: int) -> Length:
    """A field that must not be longer."""
    return Length(
        max=characters,
        message=lazy_gettext("Use at most %(most)s characters.", most=characters),
    )
