"""Rules that write again and again: where one of their mails ends, planning is asked for the next (DESIGN 6, Repeat).

A statement that ends a send makes its participation dirty itself: first that row, then the send's, as `store.locks`
has it, and nothing in between. A rule that does not repeat costs it one look. Planning looks at what is there: to ask it
once too often does no harm. It is asked as well where a correction waits of what may have been told by the mail that ends,
and where one may be written at this moment, by a plan that took it for told.
"""

# Of `sends s`, where `{ends}` says that this statement ends it, and `{untells}` that it has not arrived. What its rule
# asks for it may have asked for in an earlier edition.
_GOES_ON = """
    goes_on as (
        update participations part set version = part.version + 1, changed_at = relance_now()
        from {read}
          and s.id = :send and part.id = s.participation_id and ({ends})
          and (r.definition ->> 'repeat' is not null
               or exists (select from rule_editions edition
                          where edition.rule_id = r.id and edition.definition ->> 'repeat' is not null)
               or s.status in ('handing_over', 'in_doubt')
                  and (exists (select from sends correction
                               where correction.participation_id = s.participation_id
                                 and correction.rule_id = s.rule_id and correction.scope_id = s.scope_id
                                 and correction.status in ('scheduled', 'claimed')
                                 and correction.occurrence like '%correction:%')
                       or {untells}
                          and (r.definition ->> 'correction' is not null
                               or exists (select from rule_editions edition
                                          where edition.rule_id = r.id
                                            and edition.definition ->> 'correction' is not null))))
        returning part.id
    )
"""

# PostgreSQL looks at a condition without columns before it looks at any row.
PLANNED_ON = "(select count(*) from goes_on) >= 0"

_RULE = "sends s join rules r on r.id = s.rule_id where true"


def goes_on(ends: str, read: str = _RULE, *, untells: str = "false") -> str:
    """Return the common table expression `goes_on`; its statement has `PLANNED_ON` among its conditions."""
    return _GOES_ON.format(ends=ends, read=read, untells=untells)
