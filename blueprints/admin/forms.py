"""The forms of the administration."""

from dataclasses import replace

from flask_babel import lazy_gettext as _
from wtforms import BooleanField, HiddenField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from blueprints.forms import Form, at_most, required
from services.app_drafts import AppDraft
from services.emails import LONGEST
from services.header_names import IDENTITY

LEVELS = {
    "password": _("A password is enough"),
    "two-factor": _("A security code too; a remembered browser counts"),
    "recent-two-factor": _("A security code, entered a short time ago"),
}


class SeenForm(Form):
    """A form that knows what its page showed, so that nobody's change is lost unseen."""

    seen = HiddenField()


class AppForm(SeenForm):
    """What an app is and who gets to its door."""

    name = StringField(_("Name"), [required(_("Enter the app's name.")), at_most(60)])
    icon = StringField(_("Icon"), [at_most(16)])
    addresses = TextAreaField(
        _("Addresses"), [required(_("Enter the app's address.")), at_most(6000)]
    )
    for_everyone = BooleanField(_("Everyone with an account may enter"))
    requestable = BooleanField(_("People can ask to be let in"), default=True)
    level = RadioField(
        _("What people need to enter"),
        choices=[SelectChoice(level, words) for level, words in LEVELS.items()],
        default="password",
    )
    public_paths = TextAreaField(_("Paths open to everybody"), [at_most(11000)])

    def show(self, draft: AppDraft) -> None:
        """Fill in what is set."""
        self.name.data, self.icon.data, self.level.data = draft.name, draft.icon, draft.level
        self.addresses.data = "\n".join(draft.addresses)
        self.public_paths.data = "\n".join(draft.public_paths)
        self.for_everyone.data, self.requestable.data = draft.for_everyone, draft.requestable

    def put_onto(self, draft: AppDraft) -> AppDraft:
        """The draft with what was typed here."""
        return replace(
            draft, name=self.name.data or "", icon=self.icon.data or "", level=self.level.data,
            addresses=tuple((self.addresses.data or "").split()),
            public_paths=tuple((self.public_paths.data or "").split()),
            for_everyone=self.for_everyone.data, requestable=self.requestable.data,
        )  # fmt: skip


class HandlingForm(SeenForm):
    """What the app is told about people, and what passes without them."""

    header_user = StringField(_("User, %(usual)s", usual=IDENTITY["user"]), [at_most(60)])
    header_groups = StringField(_("Groups, %(usual)s", usual=IDENTITY["groups"]), [at_most(60)])
    header_email = StringField(_("Email, %(usual)s", usual=IDENTITY["email"]), [at_most(60)])
    header_name = StringField(_("Name, %(usual)s", usual=IDENTITY["name"]), [at_most(60)])
    percent_encoded = BooleanField(_("Percent-encode characters beyond ASCII"))
    signed_header = BooleanField(_("Send a signed header too, Remote-Jwt"))
    preflight_allowed = BooleanField(_("Let CORS preflights through"))
    cross_site_writes = BooleanField(_("Let other sites send changes"))
    own_cookie = BooleanField(_("Give this app a cookie of its own"))

    SWITCHES = (
        "percent_encoded", "signed_header", "preflight_allowed", "cross_site_writes", "own_cookie",
    )  # fmt: skip

    def show(self, draft: AppDraft) -> None:
        """Fill in what is set."""
        for switch in self.SWITCHES:
            self[switch].data = getattr(draft, switch)
        for what in IDENTITY:
            self[f"header_{what}"].data = draft.header_names.get(what, "")

    def put_onto(self, draft: AppDraft) -> AppDraft:
        """The draft with what was typed here."""
        return replace(
            draft, header_names={what: self[f"header_{what}"].data or "" for what in IDENTITY},
            percent_encoded=self.percent_encoded.data, signed_header=self.signed_header.data,
            preflight_allowed=self.preflight_allowed.data,
            cross_site_writes=self.cross_site_writes.data, own_cookie=self.own_cookie.data,
        )  # fmt: skip


class UntilForm(Form):
    """Until when."""

    until = StringField(_("Last day"), [at_most(20)])


class GrantForm(UntilForm):
    """Who may enter, and until when."""

    holder = StringField(_("Group or email address"), [at_most(254)])


class MemberForm(Form):
    """Who is to be in the group."""

    email = StringField(
        _("Email address"), [required(_("Enter the person's email address.")), at_most(LONGEST)]
    )


class GroupForm(Form):
    """A new group."""

    name = StringField(_("Name"), [required(_("Enter the group's name.")), at_most(60)])
