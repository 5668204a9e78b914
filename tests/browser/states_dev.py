"""The pages that development alone has; first in the catalogue, while the outbox is short."""

from tests.browser.states import state
from tests.browser.visit import Visit, new_number


@state()
def dev_outbox(visit: Visit) -> None:
    visit.sign_in(visit.new_person(number=new_number(), two_factor=True))
    visit.ask_for_code()
    visit.open("/dev/outbox")


@state()
def dev_styleguide(visit: Visit) -> None:
    visit.open("/dev/styleguide")
