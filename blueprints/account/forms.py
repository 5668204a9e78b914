"""The forms of the account pages."""

from flask_babel import lazy_gettext as _
from wtforms import PasswordField, StringField

from blueprints.auth.forms import ENTER_EMAIL, PASSWORD_INPUT, ChoosePasswordForm
from blueprints.forms import Form, at_most, required
from services.emails import LONGEST

ENTER_PASSWORD = _("Enter your password.")


class NumberForm(Form):
    """A phone number, as people write it."""

    number = StringField(_("Phone number"), [required(_("Enter a phone number.")), at_most(40)])


class PasswordForm(Form):
    """The person's password, once more."""

    password = PasswordField(
        _("Your password"), [required(ENTER_PASSWORD), at_most(PASSWORD_INPUT)]
    )


class ChangePasswordForm(ChoosePasswordForm):
    """The old password and the new one."""

    current_password = PasswordField(
        _("Current password"), [required(ENTER_PASSWORD), at_most(PASSWORD_INPUT)]
    )


class NameForm(Form):
    """What the person is to be called; empty: nothing."""

    name = StringField(_("Your name"), [at_most(100)])


class ChangeEmailForm(Form):
    """A new address."""

    email = StringField(_("New email address"), [required(ENTER_EMAIL), at_most(LONGEST)])
