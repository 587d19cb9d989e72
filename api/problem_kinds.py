"""Every kind of problem there is: the last word of its `type`, its status, and what it tells the caller."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem; `status` and the word that names it never change."""

    status: int
    means: str


KINDS = {
    "unauthorized": Kind(401, "no token was shown, or one that opens nothing here"),
    "another-center": Kind(
        403, "the token is limited to centers that have no say in this: `detail` tells the cure"
    ),
    "not-found": Kind(404, "there is nothing under this id or path"),
    "method-not-allowed": Kind(405, "the path is right, the method is not: `Allow` names those that are"),
    "idempotency-key-in-use": Kind(
        409, "the first request under this key is still being answered: ask again"
    ),
    "rule-exists": Kind(409, "another rule has this id: PUT edits it"),
    "rule-is-over": Kind(409, "the day of the rule is past: active, it would send nothing"),
    "rule-is-off": Kind(409, "the rule is switched off, and none of its mails leaves"),
    "rule-overridden": Kind(409, "what the sessions in `sessions` say of this rule would no longer fit it"),
    "template-in-use": Kind(
        409, "the rules in `rules`, of the sessions in `sessions` where it says so, use this template"
    ),
    "template-exists": Kind(409, "another template has this id: PUT edits it"),
    "not-cancelled": Kind(409, "the send is not cancelled: `send_status` says what it is, `at` since when"),
    "not-to-be-sent": Kind(
        409, "the send cannot leave by hand: `send_status` says what it is, `detail` what to do"
    ),
    "not-in-doubt": Kind(
        409, "there is no doubt about the send: `send_status` says what it is, `at` since when"
    ),
    "too-late": Kind(
        409, "the send has left, or its end is settled: `send_status` says how, `at` since when"
    ),
    "changed-meanwhile": Kind(412, "it is no longer what `If-Match` says was read: read it again"),
    "too-large": Kind(413, "the body is larger than 4 MiB"),
    "idempotency-key-reused": Kind(422, "this key was given to another request: each needs its own"),
    "invalid": Kind(422, "`errors` names each field and how to mend it; nothing was changed"),
    "unforeseen": Kind(500, "our mistake; the log of the API says where"),
    "not-ready": Kind(503, "of `/readyz` alone: `dependencies` says which part does not answer"),
    "unavailable": Kind(503, "the database does not answer; nothing was changed: try again"),
}
