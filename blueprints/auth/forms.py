"""The forms of the signed-out doors."""

from flask_babel import lazy_gettext as _
from wtforms import BooleanField, PasswordField, StringField
from wtforms.validators import Optional

from blueprints.forms import Form, at_most, required
from services.emails import LONGEST

PASSWORD_INPUT = 4000
"""Far above any password we allow, so that the answer about its length is the service's."""

ENTER_EMAIL = _("Enter your email address.")


class EmailForm(Form):
    """An address alone: to send a link to."""

    email = StringField(_("Email address"), [required(ENTER_EMAIL), at_most(LONGEST)])


class SignInForm(EmailForm):
    """Email and password."""

    password = PasswordField(
        _("Password"), [required(_("Enter your password.")), at_most(PASSWORD_INPUT)]
    )
    remember_me = BooleanField()


class ChoosePasswordForm(Form):
    """A new password."""

    password = PasswordField(
        _("New password"), [required(_("Choose a password.")), at_most(PASSWORD_INPUT)]
    )


class RegisterForm(EmailForm):
    """A new account."""

    name = StringField(_("Your name"), [Optional(), at_most(100)])
    password = PasswordField(
        _("Password"), [required(_("Choose a password.")), at_most(PASSWORD_INPUT)]
    )


class SetupForm(RegisterForm):
    """The portal's first account."""

    token = StringField(
        _("Setup token"), [required(_("Enter the token from the portal's log.")), at_most(100)]
    )
