"""Refusals about apps, groups and who may enter; as in ``errors``, each with its sentence."""

from flask_babel import LazyString, lazy_gettext

from services.errors import NotFound, Refusal


class PersonUnknown(NotFound):
    """No account has the address that was typed."""

    status = 422
    sentence = lazy_gettext(
        "No account has this email address. Check it, or ask the person to register first."
    )

    def __init__(self, field: str = "email") -> None:
        self.field = field


class GroupUnknown(NotFound):
    """No such group, or not one that this person looks after."""

    sentence = lazy_gettext("There is no such group.")

    def __init__(self, field: str | None = None) -> None:
        self.field = field
        if field:
            self.status = 422


class GroupNameUnsuitable(Refusal):
    """A group's name goes to apps, joined by commas; so it is kept plain."""

    field = "name"
    sentence = lazy_gettext(
        "Use lower-case letters, digits, dots, dashes and underscores, at most 40, "
        "and begin with a letter or a digit."
    )


class GroupNameTaken(Refusal):
    """There is a group of this name."""

    field = "name"
    sentence = lazy_gettext("There is a group with this name already.")


class AlreadyMember(Refusal):
    """The person is in the group."""

    field = "email"
    sentence = lazy_gettext("This person is in the group already.")


class NotMember(Refusal):
    """The person is not in the group, or not any more."""

    sentence = lazy_gettext("This person is not in the group any more.")


class ManagerStays(Refusal):
    """A manager tried to take out a manager."""

    sentence = lazy_gettext("Only an administrator can take a manager out of the group.")


class AppUnknown(NotFound):
    """No such app."""

    sentence = lazy_gettext("There is no such app.")


class AppUnsuitable(Refusal):
    """Something of an app as it was typed cannot be; ``field`` says what, the sentence why."""

    def __init__(self, field: str, sentence: "str | LazyString") -> None:
        self.field = field
        self.sentence = sentence


class AppNameTaken(Refusal):
    """There is an app of this name."""

    field = "name"
    sentence = lazy_gettext("There is an app with this name already.")


class AddressTaken(Refusal):
    """Another app has this address."""

    field = "addresses"

    def __init__(self, origin: str) -> None:
        self.sentence = lazy_gettext("Another app has the address %(origin)s.", origin=origin)


class AppChangedMeanwhile(Refusal):
    """Somebody else saved the app while it was being edited; nothing was saved."""

    sentence = lazy_gettext(
        "Somebody else changed this app meanwhile, so nothing was saved. "
        "Look at what is different now, then save again to put yours in its place."
    )


class HolderMissing(Refusal):
    """Neither a group nor a person was named."""

    field = "holder"
    sentence = lazy_gettext("Enter a group's name or a person's email address.")


class GrantGone(Refusal):
    """The grant was taken away already."""

    sentence = lazy_gettext("This access was taken away already.")


class DayUnsuitable(Refusal):
    """Not a day, or not one to come."""

    field = "until"

    def __init__(self, sentence: "str | LazyString") -> None:
        self.sentence = sentence


class MayEnterAlready(Refusal):
    """Who asks may enter."""

    sentence = lazy_gettext("You may enter this app already.")


class EntersAlready(Refusal):
    """Who asked was let in meanwhile, by a group or for everyone: a "no" would be untrue."""

    def __init__(self, who: str, app: str) -> None:
        self.sentence = lazy_gettext(
            "%(who)s may enter %(app)s already. "
            "Approve the request, or take the access away first.",
            who=who,
            app=app,
        )


class NotRequestable(Refusal):
    """Access to this app is given without asking, or not at all."""

    sentence = lazy_gettext("Access to this app cannot be asked for here.")


class AskedAlready(Refusal):
    """The same person's request waits for an answer."""

    sentence = lazy_gettext("You have asked already. An administrator will answer.")


class RequestUnknown(NotFound):
    """No such request."""

    sentence = lazy_gettext("There is no such request. The person may have gone, or the app.")


class RequestDecided(Refusal):
    """Somebody answered the request already."""

    def __init__(self, approved: bool) -> None:
        self.sentence = (
            lazy_gettext("This request was approved already.")
            if approved
            else lazy_gettext("This request was declined already.")
        )
