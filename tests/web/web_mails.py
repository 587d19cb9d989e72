"""Mails as the mailbox keeps them: files in a folder."""

from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from tests.web.web_fakes import NOW

HOSTILE = """<!doctype html>
<html><head>
<meta http-equiv="refresh" content="0;url=http://elsewhere.test/refresh">
<base href="http://elsewhere.test/">
<link rel="preconnect" href="http://elsewhere.test/">
<link rel="dns-prefetch" href="http://elsewhere.test/">
<link rel="prefetch" href="http://elsewhere.test/prefetched">
<link rel="stylesheet" href="http://elsewhere.test/style.css">
<script src="http://elsewhere.test/script.js"></script>
<script>parent.document.title = "taken"; window.name = "ran"; document.title = "ran"</script>
</head>
<body onload="document.title = 'ran'">
<p style="color: rgb(1, 2, 3)">Hello</p>
<img src="http://elsewhere.test/pixel.png" onerror="document.title = 'ran'">
<iframe src="http://elsewhere.test/frame"></iframe>
<IFRAME
 src="http://elsewhere.test/frame"></IFRAME>
<object data="http://elsewhere.test/object"></object>
<a href="http://elsewhere.test/link" target="_top">Go</a>
<form action="http://elsewhere.test/form"><button>Send</button></form>
</body></html>
"""


def keep(
    folder: Path,
    number: int,
    *,
    subject: str = "Your session",
    to: str = "Ada Lovelace <ada@example.org>",
    text: str | None = "Hello Ada",
    html: str | None = "<p style='color: rgb(1, 2, 3)'>Hello <b>Ada</b></p>",
    date: datetime | None = None,
) -> str:
    """Write one mail and return its name; a higher number is a newer mail."""
    message = EmailMessage()
    message["Date"] = format_datetime(date or NOW - timedelta(minutes=1000 - number))
    message["From"] = "Relance <training@example.org>"
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = f"<{number}@example.org>"
    if text is not None:
        message.set_content(text)
        if html is not None:
            message.add_alternative(html, subtype="html")
    elif html is not None:
        message.set_content(html, subtype="html")
    name = f"20261121T194000.{number:06}Z-test.eml"
    (folder / name).write_bytes(message.as_bytes())
    return name
