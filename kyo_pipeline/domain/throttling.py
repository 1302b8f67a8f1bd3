"""How long tries must pause: those that failed to sign in or to use a link, and all those to register."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from ipaddress import IPv6Address, ip_address
from math import ceil

from kyo_pipeline.errors import TooMany

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=24)
#: So many people behind one address mistype a password now and then.
ONE_FORGOTTEN_IN = timedelta(minutes=5)

#: Who has one gets at least so much of the network, and could come from another address each time.
_IPV6_NETWORK = 64


class Kind(str, Enum):
    """What failures are counted for."""

    ACCOUNT = "account"
    ADDRESS = "address"
    #: Of an address as well, and apart from it: people who register are no reason to keep others from signing in.
    REGISTRATION = "registration"


#: Tries that cost nothing. Behind one address there may be a whole office, which registers on the same morning.
FREE: dict[Kind, int] = {Kind.ACCOUNT: 4, Kind.ADDRESS: 19, Kind.REGISTRATION: 49}

_SENTENCES = {
    Kind.ACCOUNT: "Too many tries have failed.",
    # The same, so that it does not tell whether there is such an account.
    Kind.ADDRESS: "Too many tries have failed.",
    Kind.REGISTRATION: "Too many people have registered from your network.",
}


@dataclass(frozen=True)
class Subject:
    """An account or an address. Only its hash is stored: what is typed as a user name may be a password."""

    kind: Kind
    name: str

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(f"{self.kind.value}:{self.name}".encode("utf-8", "surrogatepass")).digest()


def of_account(username: str) -> Subject:
    return Subject(Kind.ACCOUNT, username)


def of_address(address: str, kind: Kind = Kind.ADDRESS) -> tuple[Subject, ...]:
    """None for an address that says nothing: behind a proxy that hides addresses, one guesser would lock all out."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ()
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            network = int(parsed) >> (128 - _IPV6_NETWORK) << (128 - _IPV6_NETWORK)
            return () if parsed.is_loopback else (Subject(kind, str(IPv6Address(network))),)
        parsed = parsed.ipv4_mapped
    return () if parsed.is_loopback else (Subject(kind, str(parsed)),)


def counted(failures: float, last_at: datetime, now: datetime, kind: Kind) -> float:
    """How many of the failures still count. Of an address some are forgotten all the time: an office never stops."""
    since = now - last_at
    if since >= FORGOTTEN_AFTER:
        return 0.0
    return float(failures) if kind is Kind.ACCOUNT else max(failures - since / ONE_FORGOTTEN_IN, 0.0)


def pause_after(failures: float, kind: Kind) -> timedelta:
    """How long nothing may be tried once there have been so many failures."""
    beyond = ceil(failures - FREE[kind])
    if beyond <= 0:
        return timedelta(0)
    # Bounded before it is doubled: nobody knows how many failures there will be.
    return min(FIRST_PAUSE * (1 << min(beyond - 1, 10)), LONGEST_PAUSE)


def too_many(until: datetime, kind: Kind) -> TooMany:
    return TooMany(_SENTENCES[kind], until)
