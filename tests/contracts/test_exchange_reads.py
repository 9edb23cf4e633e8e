"""What several entries or fills have in common is read once: that is what a report's and a strip's price rests on."""

import itertools

import boa
import pytest

from tests.contracts.executed import reads
from tests.contracts.model import Entry, Reading
from tests.contracts.offers import Offer
from tests.contracts.signing import person
from tests.contracts.street import SOLAR


@pytest.fixture
def homes(street):
    """Eight sites without a trade; the accounts of each four lie in one word."""
    sites = [street.connect(person(f"home {i}"), SOLAR, 10_000) for i in range(11)]
    begin = next(place for place, site in enumerate(sites) if site % 4 == 0)
    return sites[begin : begin + 8]


@pytest.fixture
def reads_of_report(street, slot):
    """reads_of_report(sites, hours): words that the exchange reads to settle these."""
    street.end(slot + 7)

    def report(sites, hours=1):
        entries = [Entry(site, slot // 4 + hour, {0: Reading(1, 0)}) for hour in range(hours) for site in sites]
        with boa.env.anchor():
            street.report(*entries)
            return reads(street.registry, street.exchange)

    return report


def test_report__further_site_of_the_same_four__its_position_alone_is_read(homes, reads_of_report):
    few = [reads_of_report(homes[:count]) for count in (1, 2, 3, 4)]
    assert [more - less for less, more in itertools.pairwise(few)] == [1, 1, 1]


def test_report__site_of_the_next_four__their_word_is_read_to_check_and_to_pay(homes, reads_of_report):
    assert reads_of_report(homes[:5]) - reads_of_report(homes[:4]) == 3


def test_report__second_hour__its_terms_are_read_once_for_all_sites(homes, reads_of_report):
    one, two = [reads_of_report(homes[:count], hours=2) - reads_of_report(homes[:count]) for count in (1, 2)]
    assert two - one == 1


def test_match__two_slots_of_an_hour__terms_read_once_wherever_in_it_they_lie(street, seller, buyer, slot):
    keys = {site: person(role) for site, role in ((seller, "seller"), (buyer, "buyer"))}

    def read(*slots):
        offers = [
            Offer(site, at, site == seller, 1000, 100, nonce=at - slot) for at in slots for site in (seller, buyer)
        ]
        with boa.env.anchor():
            street.desk.match_signed([offer.signed(street.desk, keys[offer.site]) for offer in offers], [])
            return reads(street.desk, street.exchange)

    assert slot % 4 == 0
    assert read(slot, slot + 1) == read(slot + 1, slot + 2) == read(slot + 2, slot + 3) < read(slot + 3, slot + 4)
