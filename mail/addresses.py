"""Which addresses Relance writes to: one plain mailbox each, checked before it comes near a header or a command."""

import re

from email_validator import EmailNotValidError, validate_email

# RFC 5321, 4.5.3.1.3 allows a path of 256 octets, its angle brackets counted (erratum 1690).
LONGEST = 254
LONGEST_LOCAL_PART = 64  # RFC 5321, 4.5.3.1.1

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def check_address(text: str) -> str:
    """Return `text` as an address fit for headers and the SMTP envelope.

    The domain comes back in ASCII (IDNA) and lower case. The part before the @ stays as it is; when it is
    not ASCII, only a server that offers SMTPUTF8 (RFC 6531) can take it. Nothing is looked up in the DNS.

    Raises ValueError, in a sentence that does not repeat the address.
    """
    if _CONTROL.search(text):
        raise ValueError("An address holds no line breaks or other control characters.")
    if not text or text != text.strip():
        raise ValueError("An address is not empty and has no spaces around it.")
    if any(separator in text for separator in ",;:<>"):
        raise ValueError("One address only, without a name, a list or a route.")
    if text.startswith("-"):  # a mail program started with it would read an option
        raise ValueError("An address does not begin with a hyphen.")
    if "=?" in text:  # mail readers would decode it into another address (RFC 2047)
        raise ValueError("An address is not written in encoded words.")
    return _normalized(text)


def _normalized(text: str) -> str:
    try:
        found = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        found = None  # its message quotes parts of the address
    if found is None:
        raise ValueError("This is not an address that mail can be sent to.")
    address = f"{found.local_part}@{found.ascii_domain}"
    if len(address.encode()) > LONGEST:
        raise ValueError(f"An address is at most {LONGEST} characters long.")
    if len(found.local_part.encode()) > LONGEST_LOCAL_PART:
        raise ValueError(f"An address has at most {LONGEST_LOCAL_PART} characters before the @.")
    return address
